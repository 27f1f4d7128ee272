"""Decodings: all texts that an encoded text may stand for.

A search for a secret or a SID in a response looks through all of them. Several programs may have encoded the
text one after the other, so encodings are also undone one after the other.
"""

import binascii
import html
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

MOST_TEXTS: Final = 64
"""Enough decodings of one text for any two nested encodings."""

_MOST_CHARACTERS: Final = 1024 * 1024

_UNREADABLE: Final = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_LAST_CHARACTER: Final = 0x10FFFF
_DIGIT: Final = "[0-9a-fA-F]"
_ESCAPED: Final = re.compile(
    rf"\\(?:[ux]\{{({_DIGIT}{{1,6}})\}}|u+({_DIGIT}{{4}})|U({_DIGIT}{{8}})|([^x0-7]))"
    rf"|((?:\\x{_DIGIT}{{2}}|\\[0-3]?[0-7]{{1,2}})+)",
    re.DOTALL,
)
_BYTE: Final = re.compile(r"\\(?:x(..)|([0-7]+))")
_PERCENT: Final = re.compile(r"%u([0-9a-f]{4})|((?:%[0-9a-f]{2})+)", re.IGNORECASE)
_LEADING_ZEROS: Final = re.compile(r"(&#x?)0+(?=[0-9a-f])", re.IGNORECASE)
_BEYOND_UNICODE: Final = re.compile(r"&#x?[0-9a-f]{8,};?", re.IGNORECASE)
_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^<>]*>", re.DOTALL | re.IGNORECASE)
_BASE64: Final = re.compile(r"[a-z0-9+/_-]{3,}(?:\s+[a-z0-9+/_-]+)*", re.IGNORECASE)
_HEX: Final = re.compile(r"[0-9a-f](?:[\s:-]?[0-9a-f])+", re.IGNORECASE)
_BYTES: Final = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in {*range(0x80, 0xA0)} - {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
_HIGH: Final = re.compile(f"[\x80-\xff{''.join(map(chr, _BYTES))}]{{2,}}")
_NUMBER: Final = r"(?:(?:0x|u\+)[0-9a-f]{1,6}|-?[0-9]{1,7})(?![0-9a-z])"
_NUMBERS: Final = re.compile(rf"(?<![0-9a-z]){_NUMBER}(?:[\s,;]+{_NUMBER})+", re.IGNORECASE)
_HEX_PREFIX: Final = re.compile(r"0x|u\+", re.IGNORECASE)
_BETWEEN_NUMBERS: Final = re.compile(r"[\s,;]+")
_QUOTED: Final = re.compile(rf"=\r?\n|((?:={_DIGIT}{{2}})+)")
_PAIRS: Final = re.compile("[\u0a0a-\u7e7e]{4,}")
_NO_HEX: Final = re.compile(r"[\s:-]")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def text_of(data: bytes) -> str:
    """Return `data` decoded as UTF-8, with invalid bytes as Latin-1.

    UTF-16 and UTF-32 are recognised by their byte order mark; otherwise zero bytes are dropped.
    """
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16", "replace").replace("\0", "")
    return data.replace(b"\0", b"").decode("utf-8", "surrogateescape").translate(_UNREADABLE)


def undone(text: str, *, least: int, most: int = MOST_TEXTS) -> Iterator[str]:
    """Yield `text` and its decodings, each once, those with the fewest encodings undone first.

    `least` is the length of the shortest text that the caller looks for. At most `most` texts are made. In a
    long text only one encoding is undone.
    """
    known = {text}
    waiting = deque([text])
    characters = 0
    while waiting:
        current = waiting.popleft()
        yield current
        for undo in _UNDO:
            if len(known) >= most or characters > _MOST_CHARACTERS:
                break
            other = undo(current, least)
            if other not in known:
                known.add(other)
                waiting.append(other)
        characters += len(current)


def without_tags(text: str) -> str:
    """Return `text` with each HTML tag, script and style replaced by a space."""
    return _TAGS.sub(" ", text)


def _unescape(read: Callable[[bytes], str], text: str, _: int) -> str:
    r"""Undo the escapes of JSON and of string literals: `\/`, `\u0026`, `\x26`, `\46`, `\u{26}`."""
    if "\\" not in text:
        return text
    return _joined(_ESCAPED.sub(partial(_escaped, read), text))


def _escaped(read: Callable[[bytes], str], found: re.Match[str]) -> str:
    braced, four, eight, other, in_bytes = found.groups()
    if other is not None:
        return {"n": "\n", "r": "\r", "t": "\t", "b": " ", "f": " "}.get(other, str(other))
    if in_bytes is not None:
        pairs = _BYTE.findall(in_bytes)
        return read(bytes(int(digits, 16) if digits else int(octal, 8) for digits, octal in pairs))
    number = int(braced or four or eight, 16)
    return chr(number) if number <= _LAST_CHARACTER else ""


def _unquote(read: Callable[[bytes], str], text: str, _: int = 0) -> str:
    if "%" not in text:
        return text
    return _joined(_PERCENT.sub(partial(_unquoted, read), text))


def _unquoted(read: Callable[[bytes], str], found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else read(bytes.fromhex(found[2].replace("%", "")))


def _misread(text: str, _: int) -> str:
    """Decode UTF-8 that was read as Latin-1 or Windows-1252."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    return _HIGH.sub(lambda found: text_of(found[0].translate(_BYTES).encode("latin-1")), composed)


def _compatible(text: str, _: int) -> str:
    """Replace variants of characters, such as full-width letters, by the plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _latin_1(data: bytes) -> str:
    return data.decode("latin-1")


def _form(text: str, _: int) -> str:
    """Decode an HTML form's encoding, in which a plus sign is a space."""
    return _unquote(text_of, text.replace("+", " "))


def unescape_html(text: str, _: int = 0) -> str:
    """Return `text` with its HTML entities decoded once."""
    if "&" not in text:
        return text
    # Python refuses numbers of more than 4,300 digits; no character's number has more than seven.
    return html.unescape(_BEYOND_UNICODE.sub("", _LEADING_ZEROS.sub(r"\1", text)))


def _base64(text: str, least: int) -> str:
    """Decode each piece of base64; it may start anywhere in a group of four characters."""
    return "\n".join(
        text_of(binascii.a2b_base64("A" * before + piece + "A" * (-(before + len(piece)) % 4)))
        for found in _BASE64.findall(text)
        for piece in ["".join(found.split()).translate(_URL_SAFE)]
        if len(piece) * 6 >= least * 8
        for before in range(4)
    )


def _hex(text: str, least: int) -> str:
    """Decode each piece of hexadecimal digits, once from its first digit and once from its second."""
    return "\n".join(
        text_of(binascii.unhexlify(digits[start : start + (len(digits) - start) // 2 * 2]))
        for found in _HEX.findall(text)
        for digits in [_NO_HEX.sub("", found)]
        if len(digits) >= least * 2
        for start in range(2)
    )


def _numbers(text: str, _: int) -> str:
    """Decode printed lists of bytes or characters: `[112, -61]`, `0x70, 0x61`, `U+0070`."""
    return "\n".join(
        _spelt([int(_HEX_PREFIX.sub("", each), 16 if _HEX_PREFIX.match(each) else 10) for each in listed])
        for found in _NUMBERS.findall(text)
        for listed in [_BETWEEN_NUMBERS.split(found)]
    )


def _spelt(numbers: list[int]) -> str:
    try:
        return text_of(b"".join(number.to_bytes(1, signed=number < 0) for number in numbers))
    except OverflowError:  # they are characters
        return _joined("".join(chr(number) for number in numbers if 0 <= number <= _LAST_CHARACTER))


def _quoted(text: str, _: int) -> str:
    """Decode quoted-printable, the encoding of e-mails: `=26`, and lines that end in `=`."""
    return _QUOTED.sub(
        lambda found: text_of(bytes.fromhex(found[1].replace("=", ""))) if found[1] else "", text
    )


def _paired(text: str, _: int) -> str:
    """Decode ASCII that was read as UTF-16, where each two bytes became one character."""
    return text if text.isascii() else _PAIRS.sub(_unpaired, text)


def _unpaired(found: re.Match[str]) -> str:
    data = found[0].encode("utf-16-be")
    return f"{data.decode()}\n{found[0].encode('utf-16-le').decode()}" if data.isascii() else found[0]


def _joined(text: str) -> str:
    """Join surrogate pairs; JSON escapes the two halves of a character separately."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


_UNDO: Final[tuple[Callable[[str, int], str], ...]] = (
    partial(_unescape, text_of),
    partial(_unquote, text_of),
    _form,
    unescape_html,
    _base64,
    _hex,
    partial(_unescape, _latin_1),
    partial(_unquote, _latin_1),
    _misread,
    _compatible,
    _numbers,
    _quoted,
    _paired,
)
