# SPDX-License-Identifier: MIT
"""The control of the benches: what others took of the processors meanwhile, their time and what a hypervisor kept back. A
limit that is missed while that is more than OTHERS_MOST of one processor says nothing of tare."""
import os
import time

OTHERS_MOST = 0.1


def _busy_s():
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _process_s(pid):
    """Of a process, and of its children that it has waited for."""
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:15])) / os.sysconf("SC_CLK_TCK")


class Quiet:
    """From now on; `pids` are those that belong to the bench, besides this process."""

    def __init__(self, pids):
        self.pids = [os.getpid()] + list(pids)
        self.begin = self.now()

    def now(self):
        return _busy_s(), sum(map(_process_s, self.pids)), time.monotonic()

    def others(self):
        busy, own, at = (now - then for now, then in zip(self.now(), self.begin))
        return max(0.0, busy - own) / at

    def say(self):
        """Prints it; whether it was too much."""
        others = self.others()
        noisy = others > OTHERS_MOST
        print("\nothers took %.0f %% of a processor meanwhile%s"
              % (others * 100, ": noisy, what is missed says nothing" if noisy else ""))
        return noisy
