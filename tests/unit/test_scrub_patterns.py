"""Cards, e-mail addresses and secrets are found however they are written, and little else is."""

import json

import pytest

from spectraview.ingest.scrubbing.scrubber import Scrubber

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJlLW9mLXRoaXM"


def scrubbed(text: str, rule: str) -> str:
    """Return the text that a JSON string holds after scrubbing."""
    found: str = json.loads(Scrubber([rule]).scrub(json.dumps(text, ensure_ascii=False).encode()))
    return found


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111111111111111", "****************"),
        ("Visa 4111 1111 1111 1111, 12/29", "Visa **** **** **** ****, 12/29"),
        ("4111-1111-1111-1111", "****-****-****-****"),
        ("378282246310005", "***************"),
        ("3782 822463 10005", "**** ****** *****"),
        ("5555555555554444", "****************"),
        ("2223003122003222", "****************"),
        ("6011111111111117", "****************"),
        ("3530111333300000", "****************"),
        ("30569309025904", "**************"),
        ("4222222222222", "*************"),
        ("6304000000000000", "****************"),
        ("?pan=4111%201111%201111%201111", "?pan=****%20****%20****%20****"),
        ("a%3D4111111111111111", "a%3D****************"),
        ("line\n4111111111111111\n", "line\n****************\n"),
        ("5678 4111 1111 1111 1111", "5678 **** **** **** ****"),
        ("4111111111111111 5555555555554444", "**************** ****************"),
        ("4111\u00a01111\u00a01111\u00a01111", "****\u00a0****\u00a0****\u00a0****"),
    ],
)
def test_cards_are_masked(text: str, masked: str) -> None:
    assert scrubbed(text, "cards") == masked


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the check digit is wrong
        "1700000000000",  # no issuer: a time
        "9111111111111111",
        "41111111111111111111",  # too long
        "a4111111111111111",
        "4111111111111111b",
        "0.4111111111111111",
        "width:33.4111111111111111%",
        "4111111111111111.5",
        "4111 1111-1111 1111",  # no card is written so
        "550e8400-e29b-41d4-a716-446655440000",
        "M41 11.1 1 11-1 1111 11 1 111",
    ],
)
def test_other_numbers_are_no_cards(text: str) -> None:
    assert scrubbed(text, "cards") == text


@pytest.mark.parametrize(
    "raw",
    [
        b'{"timestamp":4111111111111111}',
        b'[4111111111111111,"x",4111111111111111]',
        b'{"a\\"":"\\\\","n": 4111111111111111 }',
    ],
)
def test_numbers_of_json_are_no_cards(raw: bytes) -> None:
    assert Scrubber(["cards"]).scrub(raw) is raw


def test_a_number_within_a_string_is_a_card_whatever_stands_around_it() -> None:
    raw = b'{"x":"\\"n\\":4111111111111111,\\\\","n":4111111111111111}'
    assert Scrubber(["cards"]).scrub(raw) == raw.replace(b"4111111111111111", b"*" * 16, 1)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("joe@example.com", "***************"),
        ("Joe <joe.doe+x@mail.example.co.uk>!", "Joe <****************************>!"),
        ("/?q=joe%40example.com&x=1", "/?q=*****************&x=1"),
        ("%3Fq%3Djoe%2540example.com", "%3Fq%3D*******************"),
        ("\njoe@example.com\n", "\n***************\n"),
        ("josé@müller.de", "**************"),
        ("请联系joe@example.com谢谢", "请联系***************谢谢"),
        ("mailto:o_o@x-y.info?subject=a", "mailto:************?subject=a"),
        ("a@b.cc,d@e.ff", "******,******"),
    ],
)
def test_addresses_are_masked(text: str, masked: str) -> None:
    assert scrubbed(text, "emails") == masked


@pytest.mark.parametrize(
    "text",
    [
        "@media (max-width:1px){a{b:c}}",
        "url(logo@2x.png)",
        "https://cdn.example/bootstrap@5.3.0/dist/bootstrap.min.css",
        "npm i rrweb@latest",
        "a @ b.cc",
        "@joe",
    ],
)
def test_other_uses_of_the_at_sign_stay(text: str) -> None:
    assert scrubbed(text, "emails") == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://a.example/?token=s3cret&page=2", "https://a.example/?token=******&page=2"),
        ("/#access_token=s3cret", "/#access_token=******"),
        ("?user%5Bpassword%5D=hun%26ter2&x", "?user%5Bpassword%5D=**********&x"),
        ("?next=%2Fa%3Ftoken%3Ds3cret%26b%3D1", "?next=%2Fa%3Ftoken%3D******%26b%3D1"),
        ("?key=abc&monkey=1", "?key=***&monkey=1"),
        ("?a=1&code=abc#x", "?a=1&code=***#x"),
        ("?X-Amz-Signature=0a1b&X-Amz-Date=2", "?X-Amz-Signature=****&X-Amz-Date=2"),
        ("refused: apiKey=abc def", "refused: apiKey=*** def"),
        ("https://joe:hunter2@a.example/", "https://joe:*******@a.example/"),
        (f"jwt {JWT}.", f"jwt {'*' * (len(JWT) + 1)}"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer ************"),
        ("AKIAIOSFODNN7EXAMPLE", "*" * 20),
        ("ghp_" + "a1" * 18, "*" * 40),
        ("\nAKIAIOSFODNN7EXAMPLE", "\n" + "*" * 20),
        ('{"password":"hunter2","user":"joe"}', '{"password":"*******","user":"joe"}'),
        ("url(/a.woff?token=abc)format(woff)", "url(/a.woff?token=***)format(woff)"),
        ("?token=a)b", "?token=***"),
        ("?password=pässword", "?password=********"),
    ],
)
def test_tokens_are_masked(text: str, masked: str) -> None:
    assert scrubbed(text, "tokens") == masked


@pytest.mark.parametrize(
    "text",
    [
        "The bearer authentication of this page",
        "?page=2&sort=name",
        "data:font/woff;base64,d09GRgABAAAAIza+AIzaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/x",
        "input[type=password]{color:red}",
        "?monkey=1&keyboard=2",
        "Your password is too short",
        "https://a.example:8080/@joe",
    ],
)
def test_other_texts_are_no_tokens(text: str) -> None:
    assert scrubbed(text, "tokens") == text


def test_members_are_masked_by_their_names() -> None:
    raw = b'{"accessToken" : "a\\"b\\u0000c","tokens":5,"name":"password","pin":"1234"}'
    masked = b'{"accessToken" : "*****","tokens":5,"name":"password","pin":"****"}'
    assert Scrubber(["tokens"]).scrub(raw) == masked


@pytest.mark.parametrize(
    ("rule", "secret"),
    [
        ("cards", "4111 1111 1111 1111"),
        ("emails", "joe@example.com"),
        ("tokens", "https://x/?token=abc"),
        ("tokens", JWT),
    ],
)
def test_secrets_are_found_behind_escapes(rule: str, secret: str) -> None:
    plain = Scrubber([rule]).scrub(json.dumps(f"a {secret} b").encode())
    escapes = "".join(f"\\u{ord(character):04x}" for character in secret)
    if rule != "tokens":  # no encoder escapes letters
        escaped = Scrubber([rule]).scrub(f'"a {escapes} b"'.encode())
        assert json.loads(escaped) == json.loads(plain)
    for character in "@:/?= ":
        raw = json.dumps(f"a {secret} b").replace(character, f"\\u{ord(character):04X}")
        assert json.loads(Scrubber([rule]).scrub(raw.encode())) == json.loads(plain)


@pytest.mark.parametrize("rule", ["cards", "emails", "tokens"])
def test_all_other_bytes_stay(rule: str) -> None:
    around = b' "\\u0000\\ud83d \\u00e9\\/ \xf0\x9f\xa5\x9b\\\\ 1E2" , [ 1.0 ]'
    secret = {"cards": b"4111111111111111", "emails": b"a@b.cc", "tokens": b'?token=a"'}[rule]
    raw = b'[%b, "%b", %b]' % (around, secret.rstrip(b'"'), around)
    kept = secret.partition(b"a")[0] if rule == "tokens" else b""
    mask = b"*" * (len(secret.rstrip(b'"')) - len(kept))
    assert Scrubber([rule]).scrub(raw) == b'[%b, "%b%b", %b]' % (around, kept, mask, around)


def test_a_secret_between_astral_characters_keeps_its_length_in_javascript() -> None:
    assert scrubbed("?token=🥛x&", "tokens") == "?token=***&"
