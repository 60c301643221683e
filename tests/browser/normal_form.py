"""Two documents side by side: whether a replay shows what the page shows."""

from playwright.async_api import Page

NORMAL_FORM = """(root) => {
    const tags = { script: 'noscript', link: 'link', 'rr-link': 'link', base: 'rr-base' };
    const ours = (name) => /^(on|_on|rr_|data-rr)/.test(name) ||
        ['autocomplete', 'action', 'class', 'value', 'checked', 'selected'].includes(name);
    const form = (node) => {
        if (node.nodeType === 3) return node.textContent.trim() || null;
        if (node.nodeType !== 1) return null;
        const name = tags[node.localName] ?? node.localName;
        if (['noscript', 'link', 'style', 'head'].includes(name)) return name;
        const attributes = [...node.attributes]
            .filter((attribute) => !ours(attribute.name))
            .map(({ name, value }) => `${name}=${name === 'href' ? node.href : value}`).sort();
        const classes = [...node.classList].filter((one) => !/^(rrweb-|:)/.test(one)).join('.');
        const value = 'value' in node && node.localName !== 'li' ? node.value : null;
        const modal = node.localName === 'dialog' ? node.open && node.matches(':modal') : null;
        const checked = node.localName === 'input' ? node.checked : null;
        const children = name === 'textarea' ? [] : [...node.childNodes];
        return [name, attributes, classes, value, checked, modal,
            children.map(form).filter((child) => child !== null)];
    };
    return form(root);
}"""
"""Turns a document into lists that equal another's when both show the same: nodes, attributes,
values of fields. What a replay has of its own is left out.
"""

_MASKED = ("type=password", "name=email", "name=card")


async def form_of(page: Page, document: str = "document") -> object:
    """Return the normal form of a document in a page; what fields hold that are masked is left
    out.
    """
    return _without_masked(await page.evaluate(f"({NORMAL_FORM})({document}.body)"))


def _without_masked(form: object) -> object:
    if not isinstance(form, list) or len(form) != 7:
        return form
    value = None if any(mask in form[1] for mask in _MASKED) else form[3]
    return [*form[:3], value, *form[4:6], [_without_masked(child) for child in form[6]]]
