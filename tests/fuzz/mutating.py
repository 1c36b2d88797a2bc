"""Bytes made from others: what is odd in every parser, and what chance does."""

from collections.abc import Iterator, Sequence
from random import Random

ODD = [
    *(
        b"",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"\xef\xbb\xbf",
        b" ",
        b"\t",
        b"\n",
        b"\r\n",
    ),
    *(
        b"null",
        b"true",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"-1e-999",
        b"1E400",
        b"-0",
        b"0",
        b"-1",
        b"1.5",
        b"+1",
    ),
    *(
        b"9" * 19,
        b"9" * 400,
        b"9" * 5000,
        b"0." + b"1" * 400,
        b"9223372036854775808",
        b"2147483648",
        b"1_000",
    ),
    *(
        b'"\\ud800"',
        b'"\\u0000"',
        b'"\xff"',
        b"[" * 600,
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 3000,
        b"[]",
        b"{}",
    ),
    *(
        b'{"a":1,"a":2}',
        b'{"":1}',
        b'"' + b"x" * 3000 + b'"',
        b"x" * 3000,
        b"%",
        b"%00",
        b"%ff",
        b"%u0041",
        b"&&==",
    ),
    *(
        b"0001-01-01",
        b"9999-12-31T23:59:59-12:00",
        b"0001-01-01T00:00:00+14:00",
        b"2026-02-30",
        b"2026-13-01",
    ),
    *(b"2026-11-01T00:00:00+15:59:59", b"2026-W40-1", b"2026-11-31T24:00:00Z", b"10000-01-01T00:00:00Z"),
    *(
        b"\xd9\xa3\xd9\xa1",
        b"\xef\xbc\x91",
        b"\xe2\x80\xa8",
        b"\xc2\x85",
        b"\x1b[31m",
        b"a\x00b",
        b"\\",
        b"'",
        b'"',
    ),
    *(
        b"../../etc/passwd",
        b"//evil.example",
        b"http://[::1",
        b"http://a:b",
        b"javascript:",
        b"?",
        b"#",
        b";",
        b",",
    ),
    *(b"x001/" * 1500 + b"002", b"00000000-0000-0000-0000-000000000000", b"0" * 31, b"{" + b"0" * 32 + b"}"),
    *(
        b"last",
        b"-usage,",
        b",,,",
        b"-",
        b"--usage",
        b'W/"x"',
        b'"',
        b"*",
        b"Token",
        b"Bearer Token",
        b"Token a b",
    ),
    *(
        b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01",
        b"ff-x-y-z",
        b"127.0.0.1, 10.0.0.1",
        b"http, https",
        b"a:b:c",
    ),
    *(
        b"\x1f\x8b",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        b"=?utf-8?q?x?=",
        b"a=1; a=2; =; ;b",
        b"q=0;q=2",
    ),
]

STRUCTURE = b'{}[]",:;=&%\\/0-+.eE \n\r\t|#\x00\xff'


def mutated(chance: Random, seed: bytes) -> bytes:
    """Return something like the seed: with an odd thing in it, or a few bytes changed, lost or said again."""
    data = bytearray(seed)
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at : at + chance.choice([0, 1, 8, 100])] = chance.choice(ODD)
            case 1:
                data[at : at + 1] = chance.randbytes(chance.randrange(1, 3))
            case 2:
                del data[at : at + chance.randrange(1, 40)]
            case 3:
                data[at:at] = data[at : at + chance.randrange(1, 200)]
            case 4:
                data[at : at + 1] = bytes([chance.choice(STRUCTURE)])
            case _:
                del data[at:]
    return bytes(data)


def inputs(chance: Random, seeds: Sequence[bytes], number: int) -> Iterator[bytes]:
    """Yield the seeds, each odd thing alone, and then so many that are like the seeds."""
    yield from seeds
    yield from ODD
    for _ in range(number):
        yield mutated(chance, chance.choice(seeds))
