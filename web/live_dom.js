// SPDX-License-Identifier: MIT
// Elements of the live page. Names come from measured programs: they are put in as text and as values of
// harmless attributes, and never as markup. Style goes through classes and CSSOM: the page's
// Content-Security-Policy allows no style attributes.

export function el(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
        if (key.startsWith("on")) {
            made.addEventListener(key.slice(2), value);
        } else if (value === true) {
            made.setAttribute(key, "");
        } else if (value !== false && value !== null && value !== undefined) {
            made.setAttribute(key, value);
        }
    }
    made.append(...children);
    return made;
}

// Touches the element only if something changes: what is not touched is not laid out again.
export function setText(node, text) {
    if (node.tareText !== text) {
        node.tareText = text;
        node.textContent = text;
    }
}
export function setAttribute(node, name, value) {
    if (value === null) {
        if (node.hasAttribute(name)) {
            node.removeAttribute(name);
        }
    } else if (node.getAttribute(name) !== value) {
        node.setAttribute(name, value);
    }
}

export function byId(id) {
    return document.getElementById(id);
}
