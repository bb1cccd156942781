"""What trainers say of their images over several lines: sums over folders, buckets, settings."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from loratui.core.events import Config, Event
from loratui.trainers.reading.listing import Listing
from tests.runs import log, read
from tests.trainers.rich_console import written


def facts(events: list[Event]) -> dict[str, object]:
    """The last value of each option."""
    return {e.option: e.value for e in events if isinstance(e, Config) and e.option}


# sd-scripts


def subset(number: int, folder: str, images: int, repeats: int, more: str, of: str = "Dataset 0"):
    """One subset as library/config_util.py (print_info) puts it together, v0.10.1."""
    return indent(
        dedent(f"""\
            [Subset {number} of {of}]
              image_dir: "{folder}"
              image_count: {images}
              num_repeats: {repeats}
              shuffle_caption: True
              keep_tokens: 1
              caption_dropout_rate: 0.05
              caption_dropout_every_n_epochs: 0
              caption_tag_dropout_rate: 0.0
              caption_prefix: None
              caption_suffix: None
              color_aug: False
              flip_aug: False
              face_crop_aug_range: None
              random_crop: False
              token_warmup_min: 1,
              token_warmup_step: 0,
              alpha_mask: False
              resize_interpolation: None
              custom_attributes: {{}}
            """)
        + indent(dedent(more), "  ")
        + "\n",
        "  ",
    )


def dataset(number: int, *subsets: str, kind: str = "Dataset", side: int = 1024) -> str:
    """One data set with its subsets."""
    head = dedent(f"""\
        [{kind} {number}]
          batch_size: 2
          resolution: ({side}, {side})
          resize_interpolation: None
          enable_bucket: True
          min_bucket_reso: 256
          max_bucket_reso: 2048
          bucket_reso_steps: 64
          bucket_no_upscale: False

        """)
    return head + "".join(subsets)


TRAIN = "is_reg: False\nclass_tokens: zqxbot robot\ncaption_extension: .txt\n"
REG = "is_reg: True\nclass_tokens: robot\ncaption_extension: .caption\n"
DUMP = dataset(
    0,
    subset(0, "/data/robot/40_zqxbot robot", 15, 40, TRAIN),
    subset(1, "/data/robot/20_zqxbot robot in the workshop at night", 12, 20, TRAIN),
    subset(2, "/data/reg/1_robot", 200, 1, REG),
)
FOUND = [
    "Using DreamBooth method.",
    "prepare images.",
    "found directory /data/robot/40_zqxbot robot contains 15 image files",
    "found directory /data/robot/20_zqxbot robot in the workshop at night contains 12 image files",
    "found directory /data/reg/1_robot contains 200 image files",
    "840 train images with repeats.",
    "200 reg images with repeats.",
]
BUCKETS = [
    "[Prepare dataset 0]",
    "loading image sizes.",
    "make buckets",
    "number of images (including repeats) / 各bucketの画像枚数（繰り返し回数を含む）",
    "bucket 0: resolution (832, 1216), count: 600",
    "bucket 1: resolution (1024, 1024), count: 240",
    "mean ar error (without repeats): 0.02144937265387",
]
HEADER = """\
running training / 学習開始
  num train images * repeats / 学習画像の数×繰り返し回数: 840
  num validation images * repeats / 学習画像の数×繰り返し回数: 3
  num reg images / 正則化画像の数: 200
"""


@pytest.mark.parametrize("form", ["rich-63", "rich-80", "rich-132", "simple"])
@pytest.mark.parametrize("size", [333, 65536])
def test_sd_scripts_counts_the_images_of_all_folders(form: str, size: int) -> None:
    """`--console_log_simple` prints the message alone; rich wraps it at the console's width."""
    records = [*FOUND, DUMP, *BUCKETS]
    if form == "simple":
        data = "\n".join(records) + "\n"
    else:
        data = written(records, int(form.removeprefix("rich-")))
    reader, events = read((data + HEADER).encode(), size=size)
    assert reader.trainer.id == "kohya"
    wanted = {
        "images": 27, "reg_images": 200, "images_with_repeats": 840, "validation_images": 3,
        "reg_images_with_repeats": 200, "buckets": (("832x1216", 600), ("1024x1024", 240)),
        # of several subsets the first one's
        "repeats": 40, "batch_size": 2, "resolution": (1024, 1024), "enable_bucket": True,
        "bucket_min": 256, "bucket_max": 2048, "bucket_step": 64, "bucket_no_upscale": False,
        "caption_extension": ".txt", "trigger_word": "zqxbot robot", "keep_tokens": 1,
        "shuffle_captions": True, "caption_dropout": 0.05, "caption_tag_dropout": 0.0,
    }  # fmt: skip
    found = facts(events)
    assert {name: found.get(name) for name in wanted} == wanted
    assert "caption_prefix" not in found  # None is no setting


def test_before_all_is_said_the_folders_found_are_counted() -> None:
    _, events = read("\n".join(FOUND[:4]).encode() + b"\n")
    assert facts(events)["images"] == 27


def test_the_same_folder_at_two_resolutions_holds_its_images_once() -> None:
    one = subset(0, "/data/robot", 15, 10, TRAIN)
    two = subset(0, "/data/robot", 15, 5, TRAIN, of="Dataset 1")
    data = FOUND[0] + "\n" + FOUND[2] + "\n" + dataset(0, one) + dataset(1, two, side=512)
    found = facts(read((data.replace("/40_zqxbot robot", "") + "end\n").encode())[1])
    assert (found["images"], found["repeats"], found["resolution"]) == (15, 10, (1024, 1024))


def test_images_of_the_validation_are_not_those_of_the_training() -> None:
    held = subset(0, "/data/robot/40_zqxbot robot", 3, 1, TRAIN, of="Validation Dataset 0")
    data = "\n".join(FOUND[:3]) + "\n" + dataset(0, subset(0, "/data/x", 12, 9, TRAIN))
    data = data.replace("/data/robot/40_zqxbot robot", "/data/x")
    found = facts(read((data + dataset(0, held, kind="Validation Dataset") + "end\n").encode())[1])
    assert (found["images"], found["repeats"]) == (12, 9)


def test_a_metadata_file_stands_for_its_folder() -> None:
    """Fine-tuning: no class tokens, and the folder may not be said."""
    more = "metadata_file: /data/meta.json\n"
    data = FOUND[0] + "\n" + FOUND[2] + "\n" + dataset(0, subset(0, "None", 31, 1, more)) + "end\n"
    _, events = read(data.encode())
    assert facts(events)["images"] == 46  # with the 15 of the folder found


@pytest.mark.parametrize(
    "text",
    [
        "found directory /a contains no image files", "directory /a contains 3 image files.",
        "image_count: 12", "[Subset 0 of Dataset 0] is broken", "bucket 0: count: 3",
    ],
)  # fmt: skip
def test_other_lines_say_nothing_of_images(text: str) -> None:
    _, events = read(f"{FOUND[0]}\nrunning training / 学習開始\n{text}\nend\n".encode())
    assert not {"images", "buckets", "repeats"} & set(facts(events))


def test_another_run_in_the_same_log_counts_anew() -> None:
    bar = "\rsteps:  1%|▌ | 9/744 [00:30<36:53,  3.02s/it, avr_loss=0.1]"
    again = ["Using v1 tokenizer", *FOUND[:3]]
    data = "\n".join([*FOUND, DUMP]) + "\n" + bar + "\n" + "\n".join(again) + "\n"
    _, events = read(data.encode())
    assert facts(events)["images"] == 15


def test_the_real_run_of_sd_scripts() -> None:
    found = facts(read(log("kohya/healthy").read_bytes())[1])
    wanted = {
        "images": 12, "repeats": 2, "images_with_repeats": 24, "resolution": (64, 64),
        "enable_bucket": False, "trigger_word": "zqxbot robot", "validation_images": 0,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert "reg_images" not in found


# musubi-tuner


MUSUBI = """\
INFO:musubi_tuner.dataset.datasources:glob images in /data/robot
INFO:musubi_tuner.dataset.datasources:found 30 images
INFO:musubi_tuner.dataset.datasources:load image jsonl from /data/more.jsonl
INFO:musubi_tuner.dataset.datasources:loaded 11 images
INFO:musubi_tuner.dataset.datasources:glob images in /data/robot
INFO:musubi_tuner.dataset.datasources:found 30 images
INFO:musubi_tuner.dataset.datasources:glob control images in /data/control
INFO:musubi_tuner.dataset.datasources:found 30 images with arbitrary control images per image in \
JSONL data
INFO:musubi_tuner.dataset.config_utils:[Dataset 0]
  is_image_dataset: True
  resolution: (1024, 768)
  batch_size: 2
  num_repeats: 4
  caption_extension: ".txt"
  enable_bucket: True
  bucket_no_upscale: False
  cache_directory: "/data/cache"
  debug_dataset: False
    image_directory: "/data/robot"
    image_jsonl_file: "None"
    control_directory: "None"
    multiple_target: False

[Dataset 1]
  is_image_dataset: True
  resolution: (512, 512)
  batch_size: 8
  num_repeats: 1
  caption_extension: "None"

INFO:musubi_tuner.dataset.bucket:bucket: (832, 1216), count: 70
INFO:musubi_tuner.dataset.bucket:bucket: (1024, 1024, 1), count: 50
INFO:musubi_tuner.dataset.bucket:total batches: 60
INFO:musubi_tuner.dataset.bucket:bucket: (832, 1216), count: 11
INFO:musubi_tuner.dataset.bucket:total batches: 2
"""


def test_musubi_tuner_counts_folders_and_jsonl_files() -> None:
    """dataset/datasources.py:77, 285; config_utils.py (generate_dataset_group); bucket.py:193."""
    reader, events = read(MUSUBI.encode())
    assert reader.trainer.id == "musubi-tuner"
    wanted = {
        "images": 41, "buckets": (("832x1216", 81), ("1024x1024", 50)), "repeats": 4,
        "batch_size": 2, "resolution": (1024, 768), "caption_extension": ".txt",
    }  # fmt: skip
    found = facts(events)
    assert {name: found.get(name) for name in wanted} == wanted


# ai-toolkit


AI = """\
Running 1 job
{
    "type": "diffusion_trainer",
    "datasets": [
        {
            "folder_path": "/data/robot",
            "resolution": [
                512,
                768
            ]
        },
        {
            "num_repeats": 3,
            "folder_path": "C:\\\\data\\\\caf\\u00e9"
        }
    ],
    "train": {
        "batch_size": 1
    }
}
Dataset: /data/robot
  -  Preprocessing image dimensions
  -  Found 12 images
Bucket sizes for /data/robot:
512x512: 4 files
448x576: 8 files
2 buckets made
Dataset: C:\\data\\café
  -  Preprocessing image dimensions
  -  Found 27 images
Bucket sizes for C:\\data\\café:
512x512: 27 files
1 buckets made
Dataset: /data/robot
  -  Preprocessing image dimensions
  -  Found 12 images
Bucket sizes for /data/robot:
768x768: 12 files
1 buckets made
"""


@pytest.mark.parametrize("size", [77, 65536])
def test_ai_toolkit_counts_each_folder_once_and_without_repeats(size: int) -> None:
    """A list of resolutions multiplies a data set; repeats are counted as images."""
    reader, events = read(AI.encode(), size=size)
    assert reader.trainer.id == "ai-toolkit"
    found = facts(events)
    assert found["images"] == 12 + 9
    assert found["buckets"] == (("512x512", 31), ("448x576", 8), ("768x768", 12))
    keys = {e.key: e.value for e in events if isinstance(e, Config) and e.key}
    assert keys["datasets[].folder_path"] == "/data/robot"  # the first of several counts
    assert keys["datasets[].num_repeats"] == 3


def test_ai_toolkit_names_videos_beside_images() -> None:
    data = AI.replace("Found 12 images", "Found 5 videos and 12 images")
    assert facts(read(data.encode())[1])["images"] == 21


def test_the_real_run_of_ai_toolkit() -> None:
    found = facts(read(log("ai_toolkit/healthy").read_bytes())[1])
    assert (found["images"], found["buckets"]) == (12, (("64x64", 12),))


def test_a_listing_is_made_for_each_trainer_that_has_one() -> None:
    from loratui.trainers import trainers

    listings = {t.id: t.listing for t in trainers() if t.listing is not None}
    assert set(listings) == {"kohya", "musubi-tuner", "ai-toolkit"}
    assert all(issubclass(listing, Listing) for listing in listings.values())
