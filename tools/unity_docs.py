"""Draw the Unity package's pictures and write its component reference, from the components' own source.

Usage: python -m tools.unity_docs [--check]     (--check: write nothing, fail when a file would change)

The inspectors are drawings of what the source declares, not screenshots; the stage picture is composed of
portraits that the web client's renderer drew.
"""

import html
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "unity_client"
OUT = PACKAGE / "Documentation~"
COMPONENTS = (
    "Unity/LikenessClient",
    "Unity/LikenessAvatar",
    "Unity/LikenessVoice",
    "Unity/LikenessMicrophone",
    "Unity/LikenessBody",
    "Grpc/LikenessGrpc",
    "WebRTC/LikenessWebRtc",
    "OpenXRFace/MetaFace",
    "OpenXRFace/AndroidXRFace",
)
ROW, WIDTH, HEAD = 22, 470, 30


@dataclass(frozen=True, slots=True)
class Field:
    """A serialized field as an inspector shows it."""

    name: str
    kind: str
    value: str
    tooltip: str
    limits: tuple[float, float] | None

    @property
    def label(self) -> str:
        """`serverUrl` as the editor writes it: Server Url."""
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name)
        return words[0].upper() + words[1:]

    @property
    def shown(self) -> str:
        """The default in words."""
        if self.value == "false" or (self.kind == "bool" and not self.value):
            return "off"
        if self.value == "true":
            return "on"
        if self.kind in ("string", "int", "float"):
            return self.value.strip('"').rstrip("f") or "empty"
        return "none"


@dataclass(frozen=True, slots=True)
class Component:
    """A component: its name, its summary and its fields."""

    name: str
    menu: str
    summary: str
    fields: tuple[Field, ...]
    members: tuple[tuple[str, str], ...]


def read_component(path: Path) -> Component:
    """What the source of one component declares."""
    source = path.read_text()
    name = path.stem
    menu = re.search(r'\[AddComponentMenu\("Likeness/([^"]+)"\)\]', source)
    head = re.search(r"/// <summary>(.*?)</summary>\s*\n\s*\[", source, re.DOTALL)
    assert menu is not None, path
    assert head is not None, path
    fields = tuple(
        Field(m[4], m[3].split(".")[-1], (m[5] or "").strip(), m[1] or "", _limits(m[2]))
        for m in re.finditer(
            r'(?:\[Tooltip\("((?:[^"\\]|\\.)*)"\)\]\s*)?'
            r"(?:\[(?:Range\(([^)]*)\)|TextArea\([^)]*\))\] )?"
            r"\[SerializeField\] private (\w+) (\w+)(?: = ([^;]*))?;",
            source,
        )
    )
    members = tuple(
        (_signature(m[2]), _words(m[1]))
        for m in re.finditer(
            r"/// <summary>((?:(?!</summary>).)*)</summary>\s*\n\s*public ([^\n{;]+)", source, re.DOTALL
        )
        if " class " not in f" {m[2]} "
    )
    return Component(name, menu[1], _words(head[1]), fields, members)


def _limits(text: str | None) -> tuple[float, float] | None:
    if not text:
        return None
    low, high = (float(part.strip().rstrip("f")) for part in text.split(","))
    return low, high


def _signature(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip(";").removeprefix("static ").strip()


def _words(text: str) -> str:
    text = re.sub(r"\s*\n\s*///\s*", " ", text)
    text = re.sub(r'<(?:see|paramref) \w+="([^"]+)"\s*/>', r"`\1`", text)
    return html.unescape(re.sub(r"\s+", " ", text)).strip()


def inspector(component: Component) -> str:
    """An SVG drawing of the component's inspector."""
    height = HEAD + ROW * len(component.fields) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="Inter, Segoe UI, Helvetica, Arial, sans-serif" '
        'font-size="12">',
        f"<title>Inspector of {component.menu}, drawn from its source</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="4" fill="#383838"/>',
        f'<rect width="{WIDTH}" height="{HEAD - 4}" rx="4" fill="#3e3e3e"/>',
        '<rect x="12" y="7" width="12" height="12" rx="2" fill="#2a2a2a" stroke="#5a5a5a"/>',
        '<path d="M14.5 13l2.5 2.5 5-5" fill="none" stroke="#d2d2d2" stroke-width="1.6"/>',
        f'<text x="32" y="17" fill="#e4e4e4" font-weight="600">{html.escape(component.menu)} (Script)</text>',
    ]
    for i, field in enumerate(component.fields):
        y = HEAD + i * ROW
        lines.append(f'<text x="14" y="{y + 14}" fill="#c4c4c4">{html.escape(field.label)}</text>')
        lines += _control(field, 190, y)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _control(field: Field, x: int, y: int) -> list[str]:
    width = WIDTH - x - 14
    box = f'<rect x="{x}" y="{y}" width="{width}" height="18" rx="3" fill="#2a2a2a" stroke="#1f1f1f"/>'
    if field.kind == "bool":
        tick = f'<rect x="{x}" y="{y + 2}" width="13" height="13" rx="2" fill="#2a2a2a" stroke="#1f1f1f"/>'
        mark = f'<path d="M{x + 3} {y + 8}l3 3 5-6" fill="none" stroke="#d2d2d2" stroke-width="1.6"/>'
        return [tick, mark] if field.value == "true" else [tick]
    if field.limits:
        low, high = field.limits
        at = (float(field.value.rstrip("f") or 0) - low) / (high - low)
        track = width - 62
        return [
            f'<line x1="{x}" x2="{x + track}" y1="{y + 9}" y2="{y + 9}" stroke="#5e5e5e" stroke-width="2"/>',
            f'<circle cx="{x + at * track:.1f}" cy="{y + 9}" r="5" fill="#9a9a9a"/>',
            f'<rect x="{x + track + 10}" y="{y}" width="52" height="18" rx="3" fill="#2a2a2a"/>',
            f'<text x="{x + track + 16}" y="{y + 13}" fill="#d2d2d2">{field.shown}</text>',
        ]
    if field.kind in ("string", "int", "float"):
        text = field.shown if field.shown != "empty" else ""
        return [box, f'<text x="{x + 6}" y="{y + 13}" fill="#d2d2d2">{html.escape(text)}</text>']
    shown = "Input Action" if field.kind == "InputActionProperty" else f"None ({field.kind})"
    return [
        box,
        f'<text x="{x + 6}" y="{y + 13}" fill="#d2d2d2">{shown}</text>',
        f'<circle cx="{x + width - 10}" cy="{y + 9}" r="4.5" fill="none" stroke="#8a8a8a"/>',
    ]


def reference(components: list[Component]) -> str:
    """The component reference, Markdown."""
    out = [
        "# Components",
        "",
        "Written from the source by `tools/unity_docs.py`. The inspectors are drawn from it too; they are no "
        "screenshots.",
        "",
    ]
    for c in components:
        out += [f"## {c.menu}", "", c.summary, "", f"![Inspector of {c.menu}](images/{c.name}.svg)", ""]
        out += ["| field | default | what it does |", "|---|---|---|"]
        for f in c.fields:
            limits = f", {f.limits[0]:g} to {f.limits[1]:g}" if f.limits else ""
            out.append(f"| {f.label} | {f.shown}{limits} | {f.tooltip} |")
        out.append("")
        if c.members:
            out += ["From code:", "", "| member | what it does |", "|---|---|"]
            out += [f"| `{name}` | {words} |" for name, words in c.members]
            out.append("")
    mark = read_mark()
    return "\n".join([*out, "## Generated mark", "", mark, ""])


def read_mark() -> str:
    """What the mark's source says of it."""
    source = (PACKAGE / "Runtime/Unity/GeneratedMark.cs").read_text()
    head = re.search(r"/// <summary>(.*?)</summary>", source, re.DOTALL)
    assert head is not None
    return _words(head[1])


def stage_picture() -> Image.Image:
    """What the samples show: three of the cast, each with its mark, and a sample's buttons."""
    picture = Image.new("RGB", (1200, 620), (35, 39, 45))
    draw = ImageDraw.Draw(picture)
    names = {"curie": "Marie Curie", "einstein": "Albert Einstein", "douglass": "Frederick Douglass"}
    for place, (character, name) in enumerate(names.items()):
        size = 400 if character == "einstein" else 350
        face = Image.open(ROOT / "avatars/characters" / character / "portrait.png").convert("RGB")
        face = face.resize((size, size), Image.Resampling.LANCZOS)
        left = 200 + place * 400 - size // 2
        picture.paste(face, (left, 60 + (400 - size)))
        mark = f"GEN - {name} - driven by: text"
        width = draw.textlength(mark, _font(19))
        draw.text((200 + place * 400 - width / 2, 474), mark, fill="white", font=_font(19))
    draw.rectangle((40, 540, 960, 580), fill=(42, 42, 42), outline=(90, 90, 90))
    draw.text(
        (54, 550), "Imagination is more important than knowledge.", fill=(220, 220, 220), font=_font(18)
    )
    for k, word in enumerate(("Say", "Stop")):
        draw.rectangle((976 + k * 96, 540, 1060 + k * 96, 580), fill=(88, 88, 88), outline=(40, 40, 40))
        draw.text((1000 + k * 92, 550), word, fill="white", font=_font(18))
    draw.text((40, 510), "Open: connected", fill=(170, 170, 170), font=_font(16))
    return picture


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def main() -> int:
    """Write or check; returns the exit code."""
    check = "--check" in sys.argv[1:]
    components = [read_component(PACKAGE / "Runtime" / f"{name}.cs") for name in COMPONENTS]
    texts = {OUT / "components.md": reference(components)}
    texts |= {OUT / "images" / f"{c.name}.svg": inspector(c) for c in components}
    stale = [p for p, text in texts.items() if not p.is_file() or p.read_text() != text]
    if check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what tools/unity_docs.py writes.")
        return int(bool(stale))
    (OUT / "images").mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        path.write_text(text)
    stage_picture().save(OUT / "images" / "stage.jpg", quality=86)
    return 0


if __name__ == "__main__":
    sys.exit(main())
