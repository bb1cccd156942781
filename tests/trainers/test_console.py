"""Bytes to tokens: bars, text, prefixes, escapes, and what is cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loratui.trainers.reading.console import KEPT, LONGEST, Console, Draws, Text, Token

BAR = "steps:   1%|▌         | 10/744 [00:30<36:53,  3.02s/it, avr_loss=0.1]"


def tokens(data: str | bytes) -> list[Token]:
    console = Console()
    raw = data.encode() if isinstance(data, str) else data
    return console.feed(0, raw) + console.flush()


@pytest.mark.parametrize(
    ("text", "desc", "step", "total", "clock", "postfix"),
    [
        (BAR, "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("\r" + BAR, "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("  0%|          | 0/8 [00:00<?, ?it/s]", "", 0, 8, b"00:00", b""),
        ("SS: 18%|#7        | 1079/6000 [05:42<16:09:03, 11.82s/it, lr: 1.0e-04 loss: 2.9e-01]",
         "SS", 1079, 6000, b"05:42", b"lr: 1.0e-04 loss: 2.9e-01"),
        ("Epoch 1/2, Steps:   1%|  | 1/100 [00:00<00:29,  3.33it/s, lr=0.0001, step_loss=0.1]",
         "Epoch 1/2, Steps", 1, 100, b"00:00", b"lr=0.0001, step_loss=0.1"),
        ("steps: 100%|███| 62240/62240 [24:38:10<00:00,  1.42s/it, avr_loss=0.104]",
         "steps", 62240, 62240, b"24:38:10", b"avr_loss=0.104"),
        ("trainer-1  | " + BAR, "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("2026-08-23T10:15:02.123456789Z " + BAR, "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("Aug 23 10:15:02 gpubox python[123]: " + BAR, "steps", 10, 744, b"00:30",
         b"avr_loss=0.1"),
        ("[rank0]: " + BAR, "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("[default0]:" + BAR, "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("[RANK 0] " + BAR, "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("\x1b[32m" + BAR + "\x1b[0m", "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("\x1b[A\r" + BAR + "   ", "steps", 10, 744, b"00:30", b"avr_loss=0.1"),
        ("job [v2] 50%: 1%|▌  | 10/744 [00:30<36:53, 3.02s/it]", "job [v2] 50%", 10, 744,
         b"00:30", b""),
    ],
)  # fmt: skip
def test_bar(text: str, desc: str, step: int, total: int, clock: bytes, postfix: bytes) -> None:
    found = [token for token in tokens(text) if isinstance(token, Draws)]
    assert [(d.desc, list(d.steps), d.total, list(d.clock), list(d.postfix)) for d in found] == [
        (desc, [step], total, [clock], [postfix])
    ]


@pytest.mark.parametrize(
    "text",
    [
        "loss went down 50% | 10/20 good",
        "progress 12/30 [done]",
        "100%| no numbers here",
        "Fetching 3 files: 1.2G/2.47G",
    ],
)
def test_text_that_is_no_bar(text: str) -> None:
    assert [type(token) for token in tokens(text)] == [Text]


@pytest.mark.parametrize(
    "text",
    [
        "Loading weights: 0it [00:00, ?it/s]",
        "model.safetensors:  10%|█ | 0.24G/2.47G [00:03<00:30, 80.1MB/s]",
        "Generating train split: 12 examples [00:00, 3062.47 examples/s]",
        "   \t ",
        "\x1b[2K",
    ],
)
def test_noise_gives_no_token(text: str) -> None:
    assert tokens(text) == []


def test_text_glued_to_a_bar_is_its_own_line() -> None:
    found = tokens(f"\r{BAR}NaN found in latents, replacing with zeros\n")
    assert isinstance(found[0], Draws)
    assert found[1] == Text(len(f"\r{BAR}".encode()), "NaN found in latents, replacing with zeros")


def test_carriage_returns_written_as_two_characters() -> None:
    found = tokens(f"^M{BAR}^M{BAR.replace('10/744', '11/744')}")
    assert [list(d.steps) for d in found if isinstance(d, Draws)] == [[10, 11]]


def test_nested_bars_keep_their_own_columns() -> None:
    text = (
        "\repoch:   0%|          | 0/3 [00:00<?, ?it/s]\n"
        "\rstep:   0%|          | 0/2 [00:00<?, ?it/s]\x1b[A\n"
        "\rstep:  50%|█████     | 1/2 [00:01<00:01,  1.0s/it, loss=0.1, smooth loss=0.1]\x1b[A"
    )
    assert [(d.desc, d.steps) for d in tokens(text) if isinstance(d, Draws)] == [
        ("epoch", [0]),
        ("step", [0, 1]),
    ]


def test_finished_bar_at_the_end_is_not_held_back() -> None:
    found = Console().feed(0, f"\r{BAR}".encode())
    assert isinstance(found[0], Draws)


def test_half_a_bar_is_held_back() -> None:
    console = Console()
    assert console.feed(0, f"\r{BAR[:40]}".encode()) == []
    raw = f"\r{BAR}".encode()
    begin = len(f"\r{BAR[:40]}".encode())
    found = console.feed(begin, raw[begin:])
    assert isinstance(found[0], Draws)
    assert found[0].offsets == [1]


def test_offsets_point_at_the_bytes() -> None:
    data = f"first\r\n\r{BAR}\r{BAR}glued\nläst\n".encode()
    for token in tokens(data):
        if isinstance(token, Text):
            assert data[token.offset :].startswith(token.text.encode())
        else:
            for offset in token.offsets:
                assert data[offset:].startswith(b"steps:")


def test_a_long_uniform_chunk_reads_like_its_pieces() -> None:
    """The fast path for one bar and the general path agree, offsets included."""
    draws = [
        f"\rsteps:  {n % 100}%|██  | {n}/5000 [{n // 60:02d}:{n % 60:02d}<10:00,  1.00it/s, "
        f"avr_loss={n / 1000}]"
        for n in range(1, 3000)
    ]
    data = "".join(draws).encode()
    whole, pieces = Console(), Console()
    big = whole.feed(0, data[:5000]) + whole.feed(5000, data[5000:]) + whole.flush()
    small: list[Token] = []
    for begin in range(0, len(data), 97):
        small += pieces.feed(begin, data[begin : begin + 97])
    small += pieces.flush()

    def columns(found: list[Token]) -> list[tuple[int, bytes, bytes, int]]:
        return [
            row
            for d in found
            if isinstance(d, Draws)
            for row in zip(d.steps, d.clock, d.postfix, d.offsets, strict=True)
        ]

    assert columns(big) == columns(small)
    assert len(columns(big)) == 2999


def test_a_line_without_end_is_cut_and_memory_stays_bounded() -> None:
    console = Console()
    piece = b"x" * 65536
    found: list[Token] = []
    for at in range(64):
        found += console.feed(at * 65536, piece)
        assert len(console._carry) <= LONGEST + 65536
    found += console.feed(64 * 65536, b"\nnext line\n")
    assert [len(t.text) for t in found if isinstance(t, Text)] == [KEPT, len("next line")]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b]0;title\x07hello", "hello"),
        (b"\x1b[31mred\x1b[0m [bold]x[/bold]", "red [bold]x[/bold]"),
        (b"bad \xff\xfe utf", "bad \ufffd\ufffd utf"),
        (b"bell\x07 back\x08 null\x00 del\x7f", "bell back null del"),
        ("rtl \u202e override".encode(), "rtl  override"),
        (b"tab\there", "tab     here"),
        (b"[/foo] [link=x] \\[", "[/foo] [link=x] \\["),
    ],
)
def test_hostile_text_becomes_plain(raw: bytes, shown: str) -> None:
    assert tokens(raw) == [Text(0, shown)]


@given(st.binary(max_size=400), st.integers(min_value=1, max_value=50))
def test_any_bytes_in_any_pieces(data: bytes, size: int) -> None:
    """Never raises, and cutting does not change the text."""
    console = Console()
    found: list[Token] = []
    for begin in range(0, len(data), size):
        found += console.feed(begin, data[begin : begin + size])
    found += console.flush()
    assert all(isinstance(token, Text | Draws) for token in found)


@given(
    st.lists(
        st.sampled_from([f"\r{BAR}", "\nplain text\n", "\r\n", f"\r{BAR}glued\n", "epoch 1/2\n"]),
        max_size=12,
    ),
    st.integers(min_value=1, max_value=40),
)
def test_pieces_do_not_matter(parts: list[str], size: int) -> None:
    data = "".join(parts).encode()
    console = Console()
    found: list[Token] = []
    for begin in range(0, len(data), size):
        found += console.feed(begin, data[begin : begin + size])
    found += console.flush()
    assert _flat(found) == _flat(tokens(data))


def _flat(found: list[Token]) -> list[object]:
    rows: list[object] = []
    for token in found:
        if isinstance(token, Text):
            rows.append((token.offset, token.text))
        else:
            rows += list(zip(token.steps, token.postfix, token.offsets, strict=True))
    return rows
