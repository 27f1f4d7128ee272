"""Redaction: no secret gets through, whatever program wrote it down, and however it was cut."""

import base64
import html
import json
import re
import string
import unicodedata
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.service.redaction import Redactor, describe

PASSWORDS = [
    'p"ss <w>&/ö',
    "ab/cd+ef gh",
    "correct horse battery",
    "  ends with spaces  ",
    "O'Brien & Söhne",
    "a\\b\\\\c\\d/e",
    "100%25 %2F+%20",
    "&amp;&lt;&#39;x",
    "\\u0026\\x26\\/",
    "größer Ärger ß",
    "\N{LOCK}\N{KEY}\N{EYES}\N{LOCK}\N{KEY}\N{EYES}\N{MAN}\N{PERSONAL COMPUTER}\N{KEY}",
    "日本語のパスワード",
    "--==__~~..,,",
    "12345678",
]
SHORT = ["a&b", "hunter2", "ö/ü", "<>\"'", "x y", "1234"]


def unicode_escaped(text, *, only=None, upper=False):
    """As JSON writes the characters in `only`, or all that are not ASCII."""
    digits = "{:04X}" if upper else "{:04x}"

    def escaped(character):
        data = character.encode("utf-16-be")
        return "".join(
            "\\u" + digits.format(int.from_bytes(data[at : at + 2])) for at in (0, 2)[: len(data) // 2]
        )

    return "".join(escaped(each) if (each in only if only else not each.isascii()) else each for each in text)


def in_json(text):
    """The least that JSON escapes."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def entities(text, form):
    """Every character as an entity of this form."""
    return "".join(form.format(ord(each)) for each in text)


def escape_in_javascript(text):
    """What `escape()` of a browser makes of a text."""
    return re.sub(
        r"\\u00([0-9a-f]{2})|\\u([0-9a-f]{4})",
        lambda found: f"%{found[1].upper()}" if found[1] else f"%u{found[2].upper()}",
        unicode_escaped(text, only=set(text) - set("@*_+-./" + string.ascii_letters + string.digits)),
    )


WINDOWS = {
    byte: bytes([byte]).decode("cp1252") for byte in range(0x80, 0xA0) if byte not in b"\x81\x8d\x8f\x90\x9d"
}

ENCODINGS = {
    "as it is": str,
    "PHP json_encode": lambda text: unicode_escaped(json.dumps(text)[1:-1].replace("/", "\\/")),
    "PHP urlencode": lambda text: quote_plus(text, safe="-_."),
    "PHP rawurlencode": lambda text: quote(text, safe="-_.~"),
    "PHP htmlspecialchars": lambda text: (
        html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&#039;")
    ),
    "PHP base64_encode": lambda text: base64.b64encode(text.encode()).decode(),
    "PHP bin2hex": lambda text: text.encode().hex(),
    "PHP var_export": lambda text: text.replace("\\", "\\\\").replace("'", "\\'"),
    "Go json.Marshal": lambda text: unicode_escaped(in_json(text), only="<>&\u2028"),
    "Go url.QueryEscape": lambda text: quote_plus(text, safe="-_.~"),
    "Go html.EscapeString": lambda text: (
        html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    ),
    "Go %q": lambda text: json.dumps(text)[1:-1],
    "Go %x": lambda text: text.encode().hex(),
    "Go % X": lambda text: text.encode().hex(" ").upper(),
    ".NET System.Text.Json": lambda text: re.sub(
        r"[^ -~]|[\"<>&'+`\\]", lambda found: unicode_escaped(found[0], only=found[0], upper=True), text
    ),
    ".NET UrlEncode": lambda text: re.sub("%..", lambda found: found[0].lower(), quote_plus(text)),
    ".NET HtmlEncode": lambda text: re.sub("[^ -~]", lambda found: f"&#{ord(found[0])};", html.escape(text)),
    "Java Gson": lambda text: unicode_escaped(in_json(text), only="<>&='"),
    "Java properties": lambda text: unicode_escaped(text.replace("\\", "\\\\"), upper=True),
    "Java URLEncoder": lambda text: quote_plus(text, safe="-_.*"),
    "Java hex": lambda text: text.encode().hex(":"),
    "Python json.dumps": lambda text: json.dumps(text)[1:-1],
    "Python repr of bytes": lambda text: repr(text.encode())[2:-1],
    "Python unicode_escape": lambda text: text.encode("unicode_escape").decode(),
    "Python urlsafe_b64encode": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "Python html.escape": html.escape,
    "Python mojibake": lambda text: text.encode().decode("latin-1"),
    "Windows mojibake": lambda text: text.encode().decode("latin-1").translate(WINDOWS),
    "JavaScript encodeURIComponent": lambda text: quote(text, safe="-_.!~*'()"),
    "JavaScript escape": escape_in_javascript,
    "JavaScript all escaped": lambda text: "".join(f"\\u{{{ord(each):x}}}" for each in text),
    "C octal": lambda text: "".join(f"\\{byte:03o}" for byte in text.encode()),
    "every byte in percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "decimal entities": lambda text: entities(text, "&#{};"),
    "entities with zeros": lambda text: entities(text, "&#00000{};"),
    "hexadecimal entities": lambda text: entities(text, "&#x{:X};"),
    "upper case": str.upper,
    "lower case": str.lower,
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "full width": lambda text: "".join(
        chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text
    ),
    "base64 behind one byte": lambda text: base64.b64encode(b"x" + text.encode()).decode(),
    "base64 behind two bytes": lambda text: base64.b64encode(b"xy" + text.encode() + b"z").decode(),
    "base64 in lines": lambda text: base64.encodebytes(text.encode() * 5).decode(),
    "with invisible characters": "\N{ZERO WIDTH SPACE}".join,
    "with zero bytes": "\0".join,
    "Go %v of bytes": lambda text: f"[{' '.join(map(str, text.encode()))}]",
    "Go %#v of bytes": lambda text: f"[]byte{{{', '.join(map(hex, text.encode()))}}}",
    "Java Arrays.toString": lambda text: str([byte - (byte & 0x80) * 2 for byte in text.encode()]),
    "JavaScript Buffer": lambda text: json.dumps({"type": "Buffer", "data": list(text.encode())}),
    "JavaScript charCodeAt": lambda text: str([ord(each) for each in text]),
    "code points": lambda text: " ".join(f"U+{ord(each):04X}" for each in text),
    "Perl escapes": lambda text: "".join(f"\\x{{{ord(each):x}}}" for each in text),
    "PHP quoted_printable_encode": lambda text: "=\r\n".join(f"={byte:02X}" for byte in text.encode()),
}

APART = [list, tuple, " ".join, "-".join, "\n".join, "<wbr>".join, lambda text: json.dumps(list(text))]


@pytest.mark.parametrize("apart", APART)
def test_no_list_of_characters_gets_a_secret_through(apart):
    """As a program prints what it takes for a list; a tag may stand between them as well."""
    for password in ["correct horse battery", "ab/cd+ef gh", "Tr0ub4dor&3"]:
        assert Redactor([password]).finds_in(f"bad: {apart(password)}")
        assert not Redactor([password]).finds_in(f"bad: {apart('another text')}")


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_bytes_that_were_taken_for_utf_16_are_read(order):
    """It is what a wrong byte order mark makes of them, and can be undone."""
    for before in ("", "x"):
        misread = f"{before}correct horse battery staple ".encode()[:28].decode(order)
        assert Redactor(["correct horse battery"]).finds_in(misread)


@pytest.mark.parametrize("name", ENCODINGS)
def test_no_program_gets_a_secret_through(name):
    """In the middle of a message, at its ends, and behind other words in the same encoding."""
    encode = ENCODINGS[name]
    for password in PASSWORDS + SHORT:
        redactor = Redactor(["other", password])
        echo = encode(password)
        for text in (echo, f"the password {echo} is too weak", json.dumps({"password": echo})):
            assert redactor.finds_in(text), (password, text)
            assert redactor.shown(text, otherwise="-") == "-"


@pytest.mark.parametrize("name", ENCODINGS)
def test_no_program_gets_a_piece_of_a_secret_through(name):
    """Eight characters of it are found, wherever they stand in it."""
    for password in PASSWORDS:
        comparable = " ".join(password.split())
        for start in range(len(comparable) - 7):
            piece = comparable[start : start + 8]
            if piece == piece.strip():
                assert Redactor([password]).finds_in(f"<{ENCODINGS[name](piece)}>"), (password, piece)


LOSSY = {"upper case", "lower case", "base64 in lines"}
"""Those out of which a piece of eight characters cannot be read for certain."""

COMPOSABLE = st.sampled_from([ENCODINGS[name] for name in ENCODINGS if name not in LOSSY])
SECRETS = st.text(
    st.characters(exclude_categories=["C", "M", "Z"]) | st.sampled_from("/&<>+%'\"\\ ö"), min_size=12
)


@given(SECRETS, st.lists(COMPOSABLE, max_size=2), st.data())
def test_no_composition_of_two_encodings_gets_a_piece_through(secret, encodings, data):
    """Cut at both ends, with eight characters left."""
    assume(secret == " ".join(secret.split()))
    start = data.draw(st.integers(0, len(secret) - 8))
    echo = secret[start : data.draw(st.integers(start + 8, len(secret)))]
    assume(echo == echo.strip())
    for encode in encodings:
        echo = encode(echo)
    assert Redactor([secret]).shown(f"bad value: {echo}", otherwise="-") == "-"


@pytest.mark.parametrize(
    ("secret", "encodings"),
    [
        ("correct-horse", ["Go % X", "full width"]),
        ("correct-horse", ["PHP base64_encode", "full width"]),
        ("0000Â¡Ð00000", ["JavaScript escape"]),
        ("0000000Â¡0000", ["Python unicode_escape"]),
        ("größer Ärger", ["Python mojibake", "NFD"]),
        ("größer Ärger", ["Python mojibake", "JavaScript encodeURIComponent"]),
        ("größer Ärger", ["Windows mojibake", "Go json.Marshal"]),
        ("ÜŗŹĝýņÂĊ", ["Windows mojibake", "NFKC"]),
        ("a/b+c d&e<f>", [".NET System.Text.Json", "Java URLEncoder"]),
        ("a/b+c d&e<f>", ["PHP htmlspecialchars", "PHP json_encode"]),
        ("a/b+c d&e<f>", ["PHP urlencode", "PHP urlencode"]),
        ("a/b+c d&e<f>", ["Java hex", "Python urlsafe_b64encode"]),
        ("a/b+c d&e<f>", ["PHP base64_encode", "PHP base64_encode"]),
    ],
)
def test_one_encoding_in_another_is_undone(secret, encodings):
    """As when a service logs what a client escaped; eight characters of the secret are enough."""
    echo = secret[:8]
    for name in encodings:
        echo = ENCODINGS[name](echo)
    assert Redactor([secret]).finds_in(f"the value {echo} is bad")


@pytest.mark.parametrize("password", ["correct horse battery", "O'Brien & Co", "pa55word"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_characters_in_base64_and_hex_are_read(password, encoding):
    """As PowerShell encodes what it passes on."""
    data = password.encode(encoding)
    assert Redactor([password]).finds_in(base64.b64encode(data).decode())
    assert Redactor([password]).finds_in(data.hex())


ALL_IN_ONE = ["PHP base64_encode", "PHP bin2hex", "base64 behind one byte", "base64 behind two bytes"]


@pytest.mark.parametrize("name", ALL_IN_ONE)
def test_no_eight_characters_of_an_encoded_secret_get_through(name):
    """Though they may hold less than eight of its own."""
    for password in PASSWORDS:
        first, last = (4, -4) if "behind" in name else (0, None)
        echo = ENCODINGS[name](password).rstrip("=")[first:last]
        for start in range(len(echo) - 7):
            assert Redactor([password]).finds_in(f"({echo[start : start + 8]})"), (password, echo, start)


@given(st.text(max_size=60), st.text(max_size=300))
def test_any_secret_and_any_text_are_compared(secret, text):
    """No text makes an exception, and what is shown does not hold the secret."""
    shown = Redactor([secret]).shown(text, otherwise="")
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert len(shown) <= 500
    assert shown.isprintable()
    if secret.strip() and secret.isprintable() and not set(secret) & {"…", "\N{REPLACEMENT CHARACTER}"}:
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    [
        "no such course",
        "The exam window overlaps with another exam; see https://x.example/help?id=1234&lang=en",
        "smil\ud83d",
        "6f2f4c1c-6f0f-4d0e-9f43-0d0f6c4b3a21",
        "%zz \\u12 \\x &nosuch; &#xffffffffff; =?",
        "",
    ],
)
def test_other_texts_are_shown(text):
    """On one line and printable, and otherwise as they are."""
    redactor = Redactor(["correct horse battery", "hunter2"], beside=Redactor(["a.token.x"]))
    assert redactor.shown(text, otherwise="-") == text.replace("\ud83d", "\N{REPLACEMENT CHARACTER}")


def test_a_reference_to_no_character_makes_no_exception():
    """Python converts no number of five thousand digits."""
    assert Redactor(["hunter2"]).shown("&#" + "9" * 5000 + ";", otherwise="-").startswith("&#999")


def test_those_of_another_are_known_too():
    """The token's are prepared once for all creates."""
    redactor = Redactor(["hunter2"], beside=Redactor(["a.token.x", "abc"]))
    assert redactor.finds_in("x a.token.x")
    assert redactor.finds_in("xabcx")
    assert redactor.finds_in("xhunter2")
    assert redactor.finds_piece_in("A.TOKEN.X")
    assert not redactor.finds_piece_in("xabcx hunter2")


def test_a_secret_where_a_long_text_is_cut_is_found():
    """Whatever is shown was looked at, and eight characters more."""
    password = "correct horse battery"
    for before in range(470, 520):
        shown = Redactor([password]).shown("x" * before + password + "y" * 9000, otherwise="-")
        assert shown == "-"


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("", "ValueError"),
        ("bad line", "ValueError: bad line"),
        ("bad hunter2", "ValueError: what it says repeats"),
    ],
)
def test_an_error_is_told_by_its_kind_at_least(says, expected):
    """What it says may quote what a server said."""
    told = describe(ValueError(says), Redactor(["hunter2"]))
    assert told.startswith(expected)
    assert "hunter2" not in told


@pytest.mark.parametrize("says", ["", "All attempts failed"])
def test_an_error_is_told_with_what_the_system_said(says):
    """The HTTP library leaves out why a connection broke or was refused; a secret there is withheld."""
    error = ValueError(says)
    error.__cause__ = KeyError("deque")
    error.__cause__.__context__ = OSError(104, "Connection reset by hunter2")
    expected = ": ".join(filter(None, ["ValueError", says, "[Errno 104] Connection reset by hunter2"]))
    assert describe(error, Redactor([])) == expected
    assert "hunter2" not in describe(error, Redactor(["hunter2"]))
