"""The rules, one by one: what each says, of which line, with which numbers; and what it is silent about."""

from __future__ import annotations

import gc
import json
import re
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import planner
from planner.diagnostics import Diagnostic, Severity
from planner.propagation import propagate
from planner.report import Report
from planner.rules import all_rules, judge
from planner.source import parse
from planner.unfolding import load
from planner.workbench import checked_text

CONFIGS = Path(__file__).parents[1] / "configs"
TORCHVISION = Path(__file__).parent / "reference" / "torchvision"

INPUT = -1
"""In place of a layer's number: a finding at the line of the input."""


@dataclass(frozen=True)
class Case:
    """A model, and what one rule says of its layer `at`, and at `also`; where `at` is None, nothing.

    label  the whole label at the layer `at`
    help   a part of the help
    """

    code: str
    shape: list[int]
    layers: tuple[str, ...]
    at: int | None = None
    label: str = ""
    help: str = ""
    also: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join([f"input: {self.shape}", "layers:", *(f"  - {{{layer}}}" for layer in self.layers), ""])


def says(
    code: str, shape: list[int], *layers: str, at: int, label: str, help: str = "", also: tuple[int, ...] = ()
) -> Case:
    return Case(code, shape, layers, at, label, help, also)


def silent(code: str, shape: list[int], *layers: str) -> Case:
    return Case(code, shape, layers)


# fmt: off
CASES = [
    # unread-input
    says("NSP320", [224, 224, 3], "type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2", at=INPUT,
         label="no output depends on row 223 and column 223 of 224×224×3",
         help="lost by `0`; `planner sizes` lists the sizes that lose nothing at an edge"),
    says("NSP320", [20, 1], "type: Conv1d, out_channels: 4, kernel_size: 3, stride: 3", at=INPUT,
         label="no output depends on cells 18–19 of 20×1"),
    says("NSP320", [9, 224, 225, 3], "type: MaxPool3d, kernel_size: [2, 3, 3], stride: 2", at=INPUT,
         label="no output depends on slice 8 and row 223 of 9×224×225×3"),
    says("NSP320", [16, 16, 8], "type: Conv2d, out_channels: 8, kernel_size: 1, stride: 2", at=INPUT,
         label="no output depends on rows 1, 3, 5, … (8 in all) and columns 1, 3, 5, … (8 in all) of 16×16×8",
         help="lost by `0`"),
    says("NSP320", [32, 32, 8], "name: even, type: AvgPool2d, kernel_size: 1, stride: 2",
         "name: shift, type: Crop, amount: [[1, 0], [1, 0]], from: input",
         "name: odd, type: AvgPool2d, kernel_size: 1, stride: 2", "type: Concat, from: [even, odd]", at=INPUT,
         label="no line of cells is unread as a whole: they are scattered over 32×32×8",
         help="lost by `even`, `shift` and `odd`"),
    says("NSP320", [76, 76, 8], "name: a, type: MaxPool2d, kernel_size: 3, stride: 2",
         "name: b, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1",
         "name: c, type: MaxPool2d, kernel_size: 2", at=INPUT,  # `c` loses a row, but none of the input
         label="no output depends on row 75 and column 75 of 76×76×8", help="lost by `a`; "),
    silent("NSP320", [225, 225, 3], "type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2"),
    silent("NSP320", [224, 224, 3], "type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1"),
    silent("NSP320", [25, 25, 8], "type: Conv2d, out_channels: 8, kernel_size: 2", "type: MaxPool2d, kernel_size: 2"),
    silent("NSP320", [25, 25, 8], "name: pool, type: MaxPool2d, kernel_size: 2",  # the other branch reads all of it
           "name: all, type: AdaptiveAvgPool2d, output_size: 1, from: input", "type: Multiply, from: [pool, all]"),
    silent("NSP320", [64, 64, 3], "type: CenterCrop, size: 32"),  # on purpose: NSP328
    # lost-cells
    says("NSP321", [25, 25, 8], "type: MaxPool2d, kernel_size: 2", at=0,
         label="height and width: cell 24 of 25 is read by no window: 25 − 2 leaves 1 at stride 2",
         help="use `ceil_mode: true`, or an input size that loses nothing"),
    says("NSP321", [32, 33, 8], "type: Conv2d, out_channels: 8, kernel_size: 5, stride: 2", at=0,
         label="height: cell 31 of 32 is read by no window: 32 − 5 leaves 1 at stride 2",
         help="use `padding: [[0, 1], [0, 0]]`, or an input size that loses nothing"),
    says("NSP321", [21, 8], "type: Conv1d, out_channels: 8, kernel_size: 4, stride: 4, padding: 1", at=0,
         label="length: cells 19–20 of 21 are read by no window: "
               "21 + 2 of padding − 4 leaves 3 at stride 4, 1 of it padding",
         help="use `padding: [[1, 2]]`"),
    says("NSP321", [16, 16, 8], "type: ConvTranspose2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 5", at=0,
         label="height and width: cells 0–1, 14–15 of 16 are written to no output cell", help="less `padding`"),
    says("NSP321", [25, 25, 8], "type: MaxPool2d, kernel_size: 2",  # seen although the model is not complete
         "type: Linear, in_features: 9, out_features: 3", at=0,
         label="height and width: cell 24 of 25 is read by no window: 25 − 2 leaves 1 at stride 2"),
    silent("NSP321", [25, 25, 8], "type: MaxPool2d, kernel_size: 2, ceil_mode: true"),
    silent("NSP321", [25, 25, 8], "type: MaxPool2d, kernel_size: 3, stride: 2"),
    silent("NSP321", [224, 224, 3], "type: Conv2d, out_channels: 8, kernel_size: 7, stride: 2, padding: 3"),
    silent("NSP321", [225, 225, 3], "type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: tf_same"),
    silent("NSP321", [25, 25, 8], "name: pool, type: MaxPool2d, kernel_size: 2",
           "name: all, type: AdaptiveAvgPool2d, output_size: 1, from: input", "type: Multiply, from: [pool, all]"),
    silent("NSP321", [224, 224, 3], "type: ZeroPad2d, padding: 3", "type: ReLU",  # the cell lost is padding
           "type: Conv2d, out_channels: 8, kernel_size: 7, stride: 2"),
    silent("NSP321", [16, 16, 8], "type: Conv2d, out_channels: 8, kernel_size: 1, stride: 5"),  # a gap: NSP322
    # skipped-cells
    says("NSP322", [56, 56, 64], "type: Conv2d, out_channels: 8, kernel_size: 1, stride: 2", at=0,
         label="height and width: 28 of 56 cells lie between windows of 1 at stride 2; 784 of 3,136 cells are read",
         help="use {type: AvgPool2d, kernel_size: 2} before it in place of its stride"),
    says("NSP322", [20, 4], "type: Conv1d, out_channels: 4, kernel_size: 3, stride: 4", at=0,
         label="length: 5 of 20 cells lie between windows of 3 at stride 4; 15 of 20 cells are read",
         help="use `kernel_size: 4`"),
    says("NSP322", [16, 16, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, stride: 2", at=0,
         label="height and width: 8 of 16 cells lie between the taps of windows of 3 at stride 2, dilation 2; "
               "64 of 256 cells are read", help="use `dilation: 1`"),
    says("NSP322", [32, 32, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1",
         "name: even, type: AvgPool2d, kernel_size: 1, stride: 2", "type: Crop, amount: [[1, 0], [1, 0]], from: conv2d",
         "name: odd, type: AvgPool2d, kernel_size: 1, stride: 2", "type: Concat, from: [even, odd]", at=1, also=(3,),
         label="height and width: 16 of 32 cells lie between windows of 1 at stride 2; 256 of 1,024 cells are read; "
               "512 are read by nothing", help="use `kernel_size: 2`"),
    silent("NSP322", [56, 56, 64], "type: Conv2d, out_channels: 8, kernel_size: 2, stride: 2"),
    silent("NSP322", [16, 16, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2"),
    silent("NSP322", [56, 56, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
           "name: b, type: Conv2d, out_channels: 8, kernel_size: 1, stride: 2, from: input", "type: Add, from: [a, b]"),
    silent("NSP322", [56, 56, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
           "name: b, type: Conv2d, out_channels: 8, kernel_size: 1, stride: 2, from: input", "type: Add, from: [a, b]",
           "type: Linear, in_features: 9, out_features: 3"),  # an error behind it, and the other branch still reads all
    # skipped-on-one-branch
    says("NSP323", [56, 56, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
         "name: b, type: Conv2d, out_channels: 8, kernel_size: 1, stride: 2, from: input", "type: Add, from: [a, b]",
         at=1,
         label="height and width: 28 of 56 cells lie between windows of 1 at stride 2; 784 of 3,136 cells are read",
         help="harmless; to have this branch read all cells too, use {type: AvgPool2d, kernel_size: 2} before it"),
    says("NSP323", [25, 25, 8], "name: pool, type: MaxPool2d, kernel_size: 2",
         "name: all, type: AdaptiveAvgPool2d, output_size: 1, from: input", "type: Multiply, from: [pool, all]", at=0,
         label="height and width: cell 24 of 25 is read by no window: 25 − 2 leaves 1 at stride 2; "
               "576 of 625 cells are read",
         help="harmless; to have this branch read all cells too, use `ceil_mode: true`"),
    silent("NSP323", [56, 56, 8], "type: Conv2d, out_channels: 8, kernel_size: 1, stride: 2"),  # nothing else does
    silent("NSP323", [56, 56, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 2, stride: 2",
           "name: b, type: MaxPool2d, kernel_size: 2, from: input", "type: Add, from: [a, b]"),
    # uneven-padding
    says("NSP324", [224, 225, 3], "type: Conv2d, out_channels: 8, kernel_size: 7, stride: 2, padding: 3", at=0,
         label="height: of 3 + 3 cells of padding the last one is left over", help="harmless for most networks"),
    says("NSP324", [30, 8], "type: Conv1d, out_channels: 8, kernel_size: 5, stride: 4, padding: 2", at=0,
         label="length: of 2 + 2 cells of padding the last one is left over"),
    says("NSP324", [31, 8], "type: Conv1d, out_channels: 8, kernel_size: 5, stride: 4, padding: 2", at=0,
         label="length: of 2 + 2 cells of padding the last 2 are left over"),
    says("NSP324", [224, 224, 3], "name: pad, type: ZeroPad2d, padding: 3", "type: ReLU",
         "type: Conv2d, out_channels: 8, kernel_size: 7, stride: 2", at=2,
         label="height and width: of 230 cells, padding of `pad` among them, the last one is left over"),
    silent("NSP324", [225, 225, 3], "type: Conv2d, out_channels: 8, kernel_size: 7, stride: 2, padding: 3"),
    silent("NSP324", [224, 224, 3], "type: Conv2d, out_channels: 8, kernel_size: 7, stride: 2, padding: tf_same"),
    silent("NSP324", [224, 224, 3], "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1"),
    silent("NSP324", [21, 8], "type: Conv1d, out_channels: 8, kernel_size: 4, stride: 4, padding: 1"),  # worse: NSP321
    silent("NSP324", [56, 56, 8], "type: MaxPool2d, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true"),
    # unread-output
    says("NSP325", [56, 56, 64], "name: a, type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1",
         "name: b, type: Conv2d, out_channels: 128, kernel_size: 1, stride: 2", at=1,
         label="86,704,128 of 122,028,032 MACs, most in `a`; `b` leaves them unread",
         help="move the stride to a layer with a larger window"),
    says("NSP325", [9, 8], "name: a, type: Linear, out_features: 8", "name: b, type: MaxPool1d, kernel_size: 2", at=1,
         label="64 of 576 MACs, most in `a`; `b` leaves them unread", help="fix the loss at the edge"),
    says("NSP325", [37, 8], "name: a, type: Linear, out_features: 8", "name: b, type: MaxPool1d, kernel_size: 2",
         "name: c, type: MaxPool1d, kernel_size: 1, stride: 3", at=2,  # one finding, where most is wasted
         label="1,600 of 2,368 MACs, most in `a`; `c` leaves them unread"),
    silent("NSP325", [201, 8], "name: a, type: Linear, out_features: 8", "name: b, type: MaxPool1d, kernel_size: 2"),
    silent("NSP325", [56, 56, 64], "type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1, stride: 2",
           "type: Conv2d, out_channels: 128, kernel_size: 1"),
    silent("NSP325", [50, 32], "type: LSTM, hidden_size: 64", "type: Select, dim: 2, index: -1"),
    silent("NSP325", [50, 32], "name: rnn, type: GRU, hidden_size: 64", "type: Flatten, from: rnn.1"),
    silent("NSP325", [64, 64, 3], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3",  # nobody at all: NSP242
           "type: MaxPool2d, kernel_size: 1, stride: 2", "type: ReLU, from: a", "type: Flatten"),
    # discarded-cells
    says("NSP328", [64, 64, 3], "type: CenterCrop, size: 32", at=0,
         label="3,072 of 4,096 cells of `input` are never read"),
    says("NSP328", [100, 8], "name: a, type: Linear, out_features: 8", "name: b, type: Slice, dim: 2, stop: 98", at=1,
         label="2 of 100 cells of `input` are never read; the rest took 128 of 6,400 MACs, 2.0 %, in `a`"),
    says("NSP328", [100, 8], "name: a, type: Conv1d, out_channels: 8, kernel_size: 3, padding: 1",
         "name: b, type: Slice, dim: 2, stop: 99", at=1, label="the rest took 192 of 19,200 MACs, 1.0 %, in `a`"),
    says("NSP328", [8, 8, 4], "name: a, type: ConvTranspose2d, out_channels: 6, kernel_size: 4, stride: 2, padding: 1",
         "type: Crop, amount: [[0, 4], [0, 0]]", at=1,
         label="8 of 64 cells of `input` are never read; the rest took 5,040 of 24,576 MACs, 20.5 %, in `a`"),
    silent("NSP328", [50, 32], "type: LSTM, hidden_size: 64", "type: Select, dim: 2, index: -1"),
    silent("NSP328", [200, 8], "name: a, type: Conv1d, out_channels: 8, kernel_size: 3, padding: 1",
           "type: Slice, dim: 2, stop: 199"),  # less than one in a hundred
    silent("NSP328", [30, 30, 4], "name: a, type: MaxPool2d, kernel_size: 3", "type: CropLike, from: [a, a]"),
    # misaligned-branches
    says("NSP326", [32, 32, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 5, padding: [[1, 3], [2, 2]]",
         "type: Add, from: [a, input]",
         at=1, label="height: `a` and `input` look 1 cell of `input` apart, at 1 a step; the cause is `a`"),
    says("NSP326", [64, 64, 8], "name: down, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
         "name: up, type: Upsample, scale_factor: 2", "name: mixed, type: Conv2d, out_channels: 8, kernel_size: 3, "
         "padding: [[2, 0], [0, 2]]", "type: Add, from: [mixed, input]", at=3,
         label="height: `mixed` and `input` look 3/2 cells of `input` apart, at 1 a step; the cause is `up`"),
    says("NSP326", [28, 28, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
         "name: b, type: Conv2d, out_channels: 8, kernel_size: 15, from: input", "type: Concat, from: [a, b]", at=2,
         label="height and width: `a` moves 2 cells of `input` a step, `b` 1: up to 7 cells apart; the cause is `b`"),
    says("NSP326", [64, 64, 8], "name: a, type: MaxPool2d, kernel_size: 2", "type: Crop, amount: [[2, 0], [2, 0]]",
         "name: b, type: MaxPool2d, kernel_size: 6, stride: 2, from: input", "type: Multiply, from: [b, crop]", at=3,
         label="height and width: `b` and `crop` look 2 cells of `input` apart, at 2 a step; the cause is `b`"),
    says("NSP326", [32, 8], "name: a, type: Conv1d, out_channels: 8, kernel_size: 2, padding: [[1, 0]]",
         "name: b, type: Conv1d, out_channels: 8, kernel_size: 1, from: input",
         "name: c, type: Conv1d, out_channels: 8, kernel_size: 3, padding: [[0, 2]], from: input",
         "type: Concat, from: [a, b, c]", at=3,
         label="length: `a` and `c` look 3/2 cells of `input` apart, at 1 a step; the cause is `c`"),
    silent("NSP326", [33, 33, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
           "name: b, type: Conv2d, out_channels: 8, kernel_size: 7, stride: 2, padding: 3, from: input",
           "type: Add, from: [a, b]"),
    silent("NSP326", [32, 32, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, padding: [[0, 2], [0, 2]]",
           "name: b, type: AdaptiveAvgPool2d, output_size: 1, from: input", "type: Multiply, from: [a, b]"),
    silent("NSP326", [10, 8], "name: a, type: Slice, dim: 2, stop: 5",
           "name: b, type: Slice, dim: 2, start: 5, from: input", "type: Concat, dim: 2, from: [a, b]"),
    silent("NSP326", [32, 32, 8], "name: a, type: MaxPool2d, kernel_size: 2", "type: Upsample, scale_factor: 2",
           "type: Add, from: [upsample, input]"),
    # half-cell-shift
    says("NSP327", [56, 56, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
         "name: b, type: AvgPool2d, kernel_size: 2, from: input", "type: Add, from: [a, b]", at=2,
         label="height and width: `a` and `b` look 1/2 cell of `input` apart, at 2 a step; the cause is `b`",
         help="harmless for most networks"),
    says("NSP327", [57, 57, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
         "type: Interpolate, from: [a, input], mode: bilinear", "type: Add, from: [interpolate, input]", at=2,
         label="height and width: `interpolate` moves about 1.02 cells of `input` a step, `input` 1: "
               "up to about 0.49 cell apart; the cause is `interpolate`"),
    silent("NSP327", [57, 57, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
           "type: Interpolate, from: [a, input], mode: bilinear, align_corners: true",
           "type: Add, from: [interpolate, input]"),
    silent("NSP327", [56, 56, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 4, stride: 2, padding: 1",
           "name: b, type: AvgPool2d, kernel_size: 2, from: input", "type: Add, from: [a, b]"),
    # shifted-branches
    says("NSP329", [32, 32, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, padding: [[0, 2], [1, 1]]",
         "name: b, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1, from: input", "type: Add, from: [a, b]",
         at=2, label="height: `a` and `b` look 1 cell of `input` apart, at 1 a step, but each sees at least 3 cells, "
                     "the place where the other looks among them; the cause is `a`"),
    says("NSP329", [64, 8], *(f"name: c{i}, type: Conv1d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1"
                              for i in range(3)),
         "name: up, type: Upsample, scale_factor: 8", "type: Add, from: [up, input]", at=4,
         label="length: `up` and `input` look 7/2 cells of `input` apart, at 1 a step, behind a stride of 8; "
               "the cause is `up`", help="harmless for most networks"),
    silent("NSP329", [65, 8], *(f"name: c{i}, type: Conv1d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1"
                                for i in range(3)),
           "name: up, type: Interpolate, mode: linear, align_corners: true, from: [c2, input]",
           "type: Add, from: [up, input]"),
    silent("NSP329", [64, 8], "name: a, type: Conv1d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
           "name: up, type: Upsample, scale_factor: 2", "type: Add, from: [up, input]"),  # half a cell
    # causal-branches
    says("NSP337", [100, 8], "name: a, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: 4, padding: [[8, 0]]",
         "type: Add, from: [a, input]", at=1,
         label="length: `a` sees 9 cells of `input`, `input` 1; both end at the same", help="for a stream"),
    says("NSP337", [100, 8], "name: a, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: 4, padding: 8",
         "name: cut, type: Slice, dim: 2, stop: 100",
         "name: b, type: Conv1d, out_channels: 8, kernel_size: 1, from: input",
         "type: Add, from: [b, cut]", at=3,
         label="length: `b` sees 1 cell of `input`, `cut` 9; both end at the same"),  # as TCN's Chomp1d
    says("NSP337", [9, 32, 32, 4], "name: stem, type: Conv3d, out_channels: 4, kernel_size: 5, padding: 2",
         "name: a, type: Conv3d, out_channels: 4, kernel_size: 3, padding: [[0, 2], 1, 1]",
         "type: Add, from: [a, stem]", at=2,
         label="depth: `a` sees 7 cells of `input`, `stem` 5; both begin at the same"),
    says("NSP337", [100, 8], "name: a, type: Conv1d, out_channels: 8, kernel_size: 5, stride: 2, padding: [[4, 0]]",
         "name: b, type: Conv1d, out_channels: 8, kernel_size: 1, stride: 2, from: input", "type: Add, from: [a, b]",
         at=2, label="length: `a` sees 5 cells of `input`, `b` 1; both end at the same"),
    silent("NSP337", [100, 8], "name: a, type: Conv1d, out_channels: 8, kernel_size: 5, padding: [[3, 1]]",
           "name: b, type: Conv1d, out_channels: 8, kernel_size: 3, padding: 1, from: input",
           "type: Add, from: [a, b]"),  # both see a cell on
    silent("NSP337", [56, 56, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1",
           "name: b, type: AvgPool2d, kernel_size: 2, from: input", "type: Add, from: [a, b]"),
    # uneven-overlap
    says("NSP330", [16, 16, 32], "type: ConvTranspose2d, out_channels: 8, kernel_size: 3, stride: 2", at=0,
         label="height and width: cells are written by 2, 1, … inputs: 2 does not divide 3", help="`kernel_size: 4`"),
    says("NSP330", [16, 16, 32],
         "type: ConvTranspose2d, out_channels: 8, kernel_size: 5, stride: 2, padding: 2, output_padding: 1", at=0,
         label="height and width: cells are written by 3, 2, … inputs: 2 does not divide 5",
         help="use `kernel_size: 6`, `padding: 2`, `output_padding: 0`: the output keeps its size, written evenly"),
    says("NSP330", [16, 8], "type: ConvTranspose1d, out_channels: 8, kernel_size: 5, stride: 3", at=0,
         label="length: cells are written by 2, 2, 1, … inputs: 3 does not divide 5"),
    silent("NSP330", [16, 16, 32], "type: ConvTranspose2d, out_channels: 8, kernel_size: 4, stride: 2, padding: 1"),
    silent("NSP330", [16, 16, 32], "type: ConvTranspose2d, out_channels: 8, kernel_size: 5"),
    silent("NSP330", [16, 16, 32], "type: ConvTranspose2d, out_channels: 8, kernel_size: 2, stride: 3"),  # NSP331
    silent("NSP330", [1, 1, 32], "type: ConvTranspose2d, out_channels: 8, kernel_size: 3, stride: 2"),  # no overlap
    # unwritten-cells
    says("NSP331", [16, 16, 32], "type: ConvTranspose2d, out_channels: 8, kernel_size: 2, stride: 3", at=0,
         label="height and width: 15 of 47 output cells are written by no input: kernel 2 at stride 3",
         help="use `kernel_size: 3` or a multiple of it"),
    says("NSP331", [8, 4], "type: ConvTranspose1d, out_channels: 4, kernel_size: 3, stride: 2, dilation: 2", at=0,
         label="length: 9 of 19 output cells are written by no input: kernel 3 at stride 2, dilation 2",
         help="no divisor in common"),
    says("NSP331", [16, 16, 32], "type: ConvTranspose2d, out_channels: 8, kernel_size: 2, stride: 2, output_padding: 1",
         at=0, label="height and width: 1 of 33 output cells is written by no input: "
                     "those that `output_padding` adds lie past the last kernel"),
    silent("NSP331", [16, 16, 32],
           "type: ConvTranspose2d, out_channels: 8, kernel_size: 3, stride: 2, padding: 1, output_padding: 1"),
    silent("NSP331", [16, 16, 32], "type: ConvTranspose2d, out_channels: 8, kernel_size: 3, stride: 3"),
    # gridding
    says("NSP332", [64, 64, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
         "type: ReLU", "name: b, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2", at=2,
         label="height and width: an output reads 5 of the 9 cells of its field, 25 of 81 in all; through `a` and `b`"),
    says("NSP332", [64, 8], *(f"name: d{d}, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: {d}, padding: {d}"
                              for d in (2, 4, 8)), at=2,
         label="length: an output reads 15 of the 29 cells of its field; through `d2`, `d4` and `d8`"),
    says("NSP332", [64, 64, 8], *(f"name: d{i}, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: [1, 3], "
                                  "padding: tf_same" for i in range(6)), at=5,
         label="width: an output reads 13 of the 37 cells of its field, 169 of 481 in all; "
               "through `d0`, `d1`, `d2`, `d3` and 2 more"),
    silent("NSP332", [64, 8], *(f"name: d{d}, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: {d}, padding: "
                                f"{d}" for d in (1, 2, 5))),
    silent("NSP332", [64, 8], *(f"name: d{d}, type: Conv1d, out_channels: 8, kernel_size: 2, dilation: {d}"
                                for d in (1, 2, 4, 8))),
    silent("NSP332", [64, 64, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2"),
    silent("NSP332", [64, 64, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
           "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
           "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1"),
    silent("NSP332", [64, 64, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
           "type: MaxPool2d, kernel_size: 2", "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2"),
    says("NSP332", [64, 64, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 3, padding: 3",
         "name: b, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 3, padding: 3",
         "name: c, type: Conv2d, out_channels: 8, kernel_size: [1, 5], padding: [0, 2], from: input",  # few
         "type: Add, from: [b, c]", at=1,
         label="height: an output reads 5 of the 13 cells of its field; width: an output reads 9 of the 13 cells of "
               "its field, 29 of 169 in all; through `a` and `b`"),
    says("NSP332", [100, 8], "type: ConstantPad1d, padding: [4, 0], value: 0",
         "name: a, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: 2",
         "type: ConstantPad1d, padding: [8, 0], value: 0",
         "name: b, type: Conv1d, out_channels: 8, kernel_size: 3, dilation: 4", "type: Add, from: [b, input]", at=3,
         label="length: an output reads 7 of the 13 cells of its field; through `a` and `b`"),
    says("NSP332", [64, 64, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
         "name: b, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
         "name: gate, type: AdaptiveAvgPool2d, output_size: 1", "type: Sigmoid",
         "type: Multiply, from: [b, sigmoid]", at=1,  # a gate says the same to all cells
         label="height and width: an output reads 5 of the 9 cells of its field, 25 of 81 in all; through `a` and `b`"),
    silent("NSP332", [64, 64, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
           "name: b, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
           "name: c, type: Conv2d, out_channels: 8, kernel_size: 5, padding: 2, from: input",  # reads what lies between
           "name: d, type: Conv2d, out_channels: 8, kernel_size: 5, padding: 2", "type: Add, from: [b, d]"),
    silent("NSP332", [64, 64, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
           "name: b, type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 2, padding: 2",
           "type: MaxPool2d, kernel_size: 2, from: input", "name: up, type: Upsample, scale_factor: 2",
           "type: Add, from: [b, up]"),  # of what `up` reads it is not known how it fills the grid
    # padding-only-taps
    says("NSP333", [33, 33, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 36, padding: 36", at=0,
         label="height and width: 2 of 3 taps, 36 apart, miss all 33 cells wherever the window stands; "
               "1 of 9 taps touches any", help="use `dilation: 32` with `padding: 32`, or a larger input"),
    says("NSP333", [1, 1, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1", at=0,
         label="height and width: 2 of 3 taps miss the only cell wherever the window stands; 1 of 9 taps touches any",
         help="use `kernel_size: 1` with `padding: 0`, or a larger input"),
    says("NSP333", [3, 40, 8], "type: Conv2d, out_channels: 8, kernel_size: [7, 3], padding: [3, 1]", at=0,
         label="height: 2 of 7 taps miss all 3 cells wherever the window stands; 15 of 21 taps touch any"),
    silent("NSP333", [33, 33, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, dilation: 32, padding: 32"),
    silent("NSP333", [7, 7, 8], "type: Conv2d, out_channels: 8, kernel_size: 7, padding: 3"),
    silent("NSP333", [2, 2, 8], "type: MaxPool2d, kernel_size: 3, stride: 2, padding: 1"),  # no weights
    silent("NSP333", [3, 3, 8], "type: Conv2d, out_channels: 8, kernel_size: 7, padding: 3, padding_mode: circular"),
    # blank-windows
    says("NSP334", [16, 16, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 3", at=0,
         label="height and width: 2 of 20 windows touch no real cell: 3 + 3 cells of padding for an extent of 3",
         help="use `padding: 2` or less"),
    says("NSP334", [16, 8], "type: Conv1d, out_channels: 8, kernel_size: 1, padding: [[1, 0]]", at=0,
         label="length: 1 of 17 windows touches no real cell: 1 + 0 cells of padding for an extent of 1",
         help="use no padding"),
    silent("NSP334", [16, 16, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 2"),
    silent("NSP334", [31, 31, 8], "type: MaxPool2d, kernel_size: 2, stride: 2, padding: 1, ceil_mode: true"),
    # uneven-bins
    says("NSP335", [10, 12, 8], "type: AdaptiveAvgPool2d, output_size: 4", at=0,
         label="height: 4 bins on 10 cells are 3 cells wide, and overlap", help="an output size that divides"),
    says("NSP335", [7, 8], "type: AdaptiveMaxPool1d, output_size: 3", at=0,
         label="length: 3 bins on 7 cells are 3 cells wide, and overlap"),
    says("NSP335", [5, 8], "type: AdaptiveAvgPool1d, output_size: 7", at=0,
         label="length: 7 bins on 5 cells are 1 or 2 cells wide, and overlap"),
    says("NSP335", [1, 1, 8], "type: AdaptiveAvgPool2d, output_size: 7", at=0,
         label="height and width: 7 bins on 1 cell are 1 cell wide, and overlap"),
    silent("NSP335", [12, 12, 8], "type: AdaptiveAvgPool2d, output_size: 4"),
    silent("NSP335", [7, 7, 8], "type: AdaptiveAvgPool2d, output_size: 1"),
    silent("NSP335", [7, 7, 8], "type: AdaptiveAvgPool2d, output_size: [null, 7]"),
    # early-collapse
    says("NSP336", [4, 4, 8], "name: pool, type: MaxPool2d, kernel_size: 4",
         "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1", "type: Add, from: [a, pool]",
         "name: b, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1", at=0,
         label="4×4×8 becomes 1×1×8; 2 layers with windows behind it: `a` and `b`", help="a larger input"),
    silent("NSP336", [4, 4, 8], "type: MaxPool2d, kernel_size: 4", "type: Conv2d, out_channels: 8, kernel_size: 1"),
    silent("NSP336", [4, 4, 8], "type: AdaptiveAvgPool2d, output_size: 1",
           "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1"),
    silent("NSP336", [1, 1, 8], "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1"),
    silent("NSP336", [2, 2, 3], "type: MaxPool2d, kernel_size: 2", "name: pos, type: Parameter, shape: [1, 1, 3]",
           "type: Add, from: [maxpool2d, pos]"),
    # hanging-windows
    says("NSP338", [3, 3, 1], "type: AvgPool2d, kernel_size: 2, stride: 2, ceil_mode: true", at=0,
         label="height and width: a window of 2 reaches 1 cell past 3",
         help="no window of this layer hangs over where n ≡ 0 mod 2; with an input of 4×4×1 or 2×2×1 no window of "
              "the model does"),
    says("NSP338", [56, 20, 8], "type: MaxPool2d, kernel_size: 3, stride: [3, 4], padding: 1, ceil_mode: true", at=0,
         label="width: a window of 3 reaches 1 cell past 20 and 1 of padding",
         help="no window of this layer hangs over where n ≡ 1–3 mod 4; with an input of 56×21×8 or 56×19×8 no window "
              "of the model does"),
    silent("NSP338", [56, 56, 8], "type: MaxPool2d, kernel_size: 3, stride: 2"),
    silent("NSP338", [57, 57, 8], "type: MaxPool2d, kernel_size: 3, stride: 2, ceil_mode: true"),
    silent("NSP338", [31, 31, 8], "type: MaxPool2d, kernel_size: 2, stride: 2, padding: 1, ceil_mode: true"),
    # reach-unknown
    says("NSP339", [2000003, 1], "type: Interpolate, size: 1000003, mode: nearest", at=0,
         label="more than 4,096 runs of cells on a long axis, from here back to the inputs"),
    silent("NSP339", [2003, 1], "type: Interpolate, size: 1003, mode: nearest"),
    silent("NSP339", [2000003, 1], "type: Interpolate, scale_factor: 0.5, mode: nearest"),
    # unmixed-groups
    says("NSP240", [100, 100, 32], "name: a, type: Conv2d, out_channels: 48, kernel_size: 3, groups: 2",
         "name: b, type: Conv2d, out_channels: 48, kernel_size: 3, groups: 2", at=1,
         label="`a` and `b`: inputs 0–15 → outputs 0–23; inputs 16–31 → outputs 24–47; nothing mixes them",
         help="put {type: ChannelShuffle, groups: 2} or {type: Conv2d, out_channels: 48, kernel_size: 1} before `b`"),
    says("NSP240", [16, 32], "name: a, type: Conv1d, out_channels: 32, kernel_size: 3, groups: 4", "type: ReLU",
         "name: b, type: Conv1d, out_channels: 32, kernel_size: 3, groups: 8",
         "name: c, type: Conv1d, out_channels: 8, kernel_size: 1", at=2,
         label="`a` and `b`: inputs 0–7 → outputs 0–7; inputs 8–15 → outputs 8–15; inputs 16–23 → outputs 16–23; "
               "… (4 groups); `c` mixes them later"),
    says("NSP240", [8, 8, 48], "name: a, type: Conv2d, out_channels: 48, kernel_size: 3, groups: 24",
         "type: ChannelShuffle, groups: 24",  # of two channels each, which is too few to take one of every group
         "name: b, type: Conv2d, out_channels: 48, kernel_size: 3, groups: 24", at=2,
         label="`a` and `b`: inputs 0–3 → outputs 0–1, 24–25; inputs 4–7 → outputs 2–3, 26–27; "
               "inputs 8–11 → outputs 4–5, 28–29; … (12 groups); nothing mixes them",
         help="put {type: Conv2d, out_channels: 48, kernel_size: 1} before `b`"),
    silent("NSP240", [28, 28, 48], "type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4",
           "type: ChannelShuffle, groups: 4", "type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4"),
    silent("NSP240", [28, 28, 48], "type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4",
           "type: Conv2d, out_channels: 48, kernel_size: 1",
           "type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4"),
    silent("NSP240", [28, 28, 48], "type: Conv2d, out_channels: 48, kernel_size: 3, groups: 4",
           "type: Conv2d, out_channels: 48, kernel_size: 3, groups: 3"),  # groups of 12 and of 16 interlock
    silent("NSP240", [28, 28, 48], "type: Conv2d, kernel_size: 3, groups: depthwise",
           "type: Conv2d, kernel_size: 3, groups: depthwise", "type: Conv2d, out_channels: 8, kernel_size: 1"),
    # unread-channels
    says("NSP241", [32, 32, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3", "type: ReLU",
         "type: Slice, dim: 1, stop: 5", at=0, label="channels 5–7 of 30×30×8", help="use 5 channels"),
    says("NSP241", [32, 32, 8], "name: a, type: Conv2d, out_channels: 9, kernel_size: 3",
         "name: b, type: Conv2d, kernel_size: 3, groups: depthwise",  # follows `a`, and is not said again
         "name: parts, type: Chunk, chunks: 3", "type: Concat, from: [parts.0, parts.2]", at=0,
         label="channels 3–5 of 30×30×9"),
    says("NSP241", [32, 32, 4], "type: Slice, dim: 1, stop: 3", at=INPUT, label="channel 3 of 32×32×4",
         help="use 3 channels, or read the others"),
    silent("NSP241", [32, 32, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3",
           "name: parts, type: Chunk, chunks: 2", "type: Add, from: [parts.0, parts.1]"),
    silent("NSP241", [32, 32, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3", "type: ReLU, from: input"),
    # unread-layer
    says("NSP242", [32, 32, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3",
         "name: aux, type: Conv2d, out_channels: 4, kernel_size: 1", "name: b, type: ReLU, from: input", at=1,
         label="30×30×4 is computed for nothing, with 547,200 multiply-adds"),
    says("NSP242", [10, 10, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, groups: 8",
         "type: CropLike, from: [input, a]", at=0,
         label="8×8×8 is computed for its size alone, with 4,608 multiply-adds"),
    says("NSP242", [10, 10, 8], "name: a, type: ReLU", "name: b, type: Tanh, from: input", at=0,
         label="10×10×8 is computed for nothing"),
    silent("NSP242", [10, 10, 8], "name: a, type: ReLU", "name: b, type: Tanh, from: input",
           "type: Multiply, from: [a, b]"),
    silent("NSP242", [50, 32], "name: rnn, type: LSTM, hidden_size: 64", "type: Flatten, from: rnn.1"),
    # unmixed-depthwise
    says("NSP243", [28, 28, 12], "name: a, type: Conv2d, kernel_size: [3, 1], groups: depthwise",
         "name: b, type: Conv2d, kernel_size: [1, 3], groups: depthwise",
         "name: c, type: Conv2d, out_channels: 8, kernel_size: 1", at=1,
         label="`a` and `b`: inputs 0 → outputs 0; inputs 1 → outputs 1; inputs 2 → outputs 2; … (12 groups); "
               "`c` mixes them later"),
    silent("NSP243", [28, 28, 12], "type: Conv2d, kernel_size: 3, groups: depthwise",
           "type: Conv2d, out_channels: 8, kernel_size: 1", "type: Conv2d, kernel_size: 3, groups: depthwise"),
    # channels-first-input
    says("NSP244", [3, 224, 224], "type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1", at=INPUT,
         label="this is 3 cells high with 224 channels", help="`input: [224, 224, 3]`"),
    silent("NSP244", [224, 224, 3], "type: ReLU"),
    silent("NSP244", [1, 1, 256], "type: ReLU"),
    silent("NSP244", [3, 256], "type: ReLU"),
    # linear-on-map
    says("NSP245", [56, 56, 8], "type: Linear, out_features: 10", "type: Softmax, dim: 1", at=0,
         label="56×56×8 becomes 56×56×10: 3,136 vectors, not one", help="{type: AdaptiveAvgPool2d, output_size: 1}"),
    silent("NSP245", [56, 56, 8], "type: Flatten", "type: Linear, out_features: 10"),
    silent("NSP245", [1, 1, 8], "type: Linear, out_features: 10"),
    silent("NSP245", [196, 8], "type: Linear, out_features: 10"),
    silent("NSP245", [56, 56, 8], "type: Linear, out_features: 10", "type: Conv2d, out_channels: 8, kernel_size: 1"),
    says("NSP245", [32, 32, 3], "type: Conv2d, out_channels: 8, kernel_size: 3", "type: Linear, out_features: 64",
         "type: ReLU", "type: Dropout", "type: Linear, out_features: 10", at=4,
         label="30×30×64 becomes 30×30×10: 900 vectors, not one"),
    says("NSP245", [28, 28, 1], "type: Linear, out_features: 128", "type: ReLU", "type: Linear, out_features: 10",
         at=2, label="28×28×128 becomes 28×28×10: 784 vectors, not one"),
    says("NSP245", [16, 16, 8], "name: a, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 1",
         "type: BatchNorm2d", "type: Add, from: [input, batchnorm2d]", "type: ReLU",  # the end of a ResNet
         "type: Linear, out_features: 10", at=4, label="16×16×8 becomes 16×16×10: 256 vectors, not one"),
    silent("NSP245", [56, 56, 8], "type: PixelUnshuffle, downscale_factor: 2", "type: LayerNorm",  # Swin's merging
           "type: Linear, out_features: 16, bias: false"),
    silent("NSP245", [56, 56, 8], "type: Conv2d, kernel_size: 7, padding: 3, groups: depthwise", "type: LayerNorm",
           "type: Linear, out_features: 32", "type: GELU", "type: Linear, out_features: 8"),  # ConvNeXt's branch
    silent("NSP245", [14, 14, 8], "name: a, type: Linear, out_features: 8", "name: b, type: Add, from: [a, input]",
           "type: Linear, out_features: 10"),
    # giant-linear
    says("NSP401", [64, 64, 64], "type: Flatten", "type: Dropout", "type: Linear, out_features: 100", at=2,
         label="26,214,500 of 26,214,500; 64×64×64 is flattened into 262144",
         help="put {type: AdaptiveAvgPool2d, output_size: 1} before the flatten"),
    says("NSP401", [64, 512], "type: Flatten", "type: Linear, out_features: 100", at=1,
         label="3,276,900 of 3,276,900; 64×512 is flattened into 32768", help="AdaptiveAvgPool1d"),
    silent("NSP401", [1, 1, 2048], "type: Flatten", "type: Linear, out_features: 1000"),
    silent("NSP401", [2048], "type: Linear, out_features: 1000"),
    silent("NSP401", [10, 10, 100], "type: Flatten", "type: Linear, out_features: 100, bias: false"),  # a million
    silent("NSP401", [64, 64, 64], "type: Flatten", "type: Linear, out_features: 100, bias: false",
           "type: Linear, out_features: 262144, bias: false"),  # just half
    silent("NSP401", [64, 8], "name: emb, type: Parameter, shape: [64, 20000]", "type: Concat, from: [input, emb]"),
    # bias-before-norm
    says("NSP402", [32, 32, 3], "type: Conv2d, out_channels: 64, kernel_size: 3", "type: BatchNorm2d", at=0,
         label="64 parameters without effect", help="use `bias: false`"),
    says("NSP402", [128], "type: Linear, out_features: 1", "type: BatchNorm1d", at=0,
         label="1 parameter without effect"),
    silent("NSP402", [32, 32, 3], "type: Conv2d, out_channels: 64, kernel_size: 3, bias: false", "type: BatchNorm2d"),
    silent("NSP402", [32, 32, 3], "type: Conv2d, out_channels: 64, kernel_size: 3", "type: ReLU", "type: BatchNorm2d"),
    silent("NSP402", [32, 32, 3], "type: Conv2d, out_channels: 64, kernel_size: 3", "type: GroupNorm, num_groups: 8"),
    silent("NSP402", [32, 32, 3], "name: a, type: Conv2d, out_channels: 64, kernel_size: 3",
           "name: b, type: BatchNorm2d", "type: Add, from: [a, b]"),  # the other reader sees the bias
    # overwritten-input
    says("NSP404", [8, 8, 4], "name: a, type: Conv2d, out_channels: 4, kernel_size: 1", "type: ReLU, inplace: true",
         "name: b, type: Conv2d, out_channels: 4, kernel_size: 1", "type: Add, from: [a, b]", at=1,
         label="`add` gets what is written", help="use `inplace: false`"),
    silent("NSP404", [8, 8, 4], "type: Conv2d, out_channels: 4, kernel_size: 1", "type: ReLU, inplace: true"),
    silent("NSP404", [8, 8, 4], "name: a, type: Conv2d, out_channels: 4, kernel_size: 1", "type: ReLU",
           "name: b, type: Conv2d, out_channels: 4, kernel_size: 1", "type: Add, from: [a, b]"),
    # one-value-per-channel-in-training
    says("NSP403", [32, 32, 8], "type: AdaptiveAvgPool2d, output_size: 1", "type: BatchNorm2d", at=1,
         label="1×1×8 has a single cell: a batch of one sample fails in training", help="`drop_last=True`"),
    silent("NSP403", [32, 32, 8], "type: AdaptiveAvgPool2d, output_size: 2", "type: BatchNorm2d"),
    silent("NSP403", [128], "type: BatchNorm1d"),  # as in any network of dense layers
    silent("NSP403", [32, 32, 8], "type: AdaptiveAvgPool2d, output_size: 1", "type: GroupNorm, num_groups: 2"),
    # norm-of-one-value
    says("NSP405", [8], "type: GroupNorm, num_groups: 8", at=0,
         help="`num_groups: 4`, put the normalization before the pooling",
         label="8 in 8 parts of one value: its output is the same for every input"),
    says("NSP405", [4, 4, 1], "type: LayerNorm", at=0, help="put the normalization before the pooling, or leave it out",
         label="4×4×1 in 16 parts of one value: its output is the same for every input"),
    silent("NSP405", [8], "type: GroupNorm, num_groups: 4"),
    silent("NSP405", [2, 8], "type: GroupNorm, num_groups: 8"),
    silent("NSP405", [4, 4, 1], "type: LayerNorm, normalized_shape: [4, 1]"),
    silent("NSP405", [4, 4, 1], "type: RMSNorm"),  # keeps the sign
]
# fmt: on


PASTED = re.compile(r"`(\w+): ([^`]+)`")
TRIED = ("NSP321", "NSP322", "NSP330", "NSP333", "NSP334")
"""Warnings whose help has arguments to paste."""


@pytest.mark.parametrize(
    "case", [each for each in CASES if each.code in TRIED and each.at is not None], ids=lambda each: each.code
)
def test_what_help_recommends_mends(case: Case) -> None:
    """The arguments pasted into the layer: the finding goes, and no other comes."""
    before = checked_text(case.text)
    finding = found(before, case.code)[line_of(case.at or 0)]
    pasted = PASTED.findall(finding.help.partition(", or ")[0])
    if not pasted or not before.plan.complete or case.also:
        return
    layers = yaml.safe_load(case.text)["layers"]
    layers[case.at or 0] |= {key: yaml.safe_load(value) for key, value in pasted}
    after = planner.check({"input": case.shape, "layers": layers})
    assert after.plan.complete
    left = Counter(told(after, Severity.WARNING, Severity.ERROR)) - Counter(told(before, Severity.WARNING))
    assert not left
    assert (case.code, finding.step) not in told(after, Severity.WARNING)


def test_padding_that_leaves_the_column_unread_is_not_recommended() -> None:
    """A second convolution of stride 2 drops what a cell of padding lets the first one read: sooftware/conformer#61."""
    text = (Path(__file__).parent / "cases" / "reports" / "06-conv-subsampling.yaml").read_text()
    (finding,) = [each for each in checked_text(text).diagnostics if each.code == "NSP321"]
    assert "padding" not in finding.help
    assert finding.help.startswith("use `kernel_size: [3, 4]`, or an input size that loses nothing")
    mended = text.replace("kernel_size: 3, stride: 2}", "kernel_size: [3, 4], stride: 2}", 1)
    assert told(checked_text(mended), Severity.WARNING) == []


def line_of(at: int) -> int:
    """Where layer number `at` stands."""
    return 1 if at == INPUT else at + 3


def found(report: Report, code: str) -> dict[int, Diagnostic]:
    """The findings of a kind by their lines."""
    return {place.line: each for each in report.diagnostics if each.code == code and (place := report.place(each))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code}-{'silent' if case.at is None else 'says'}")
def test_case(case: Case) -> None:
    report = checked_text(case.text, "model.yaml")
    findings = found(report, case.code)
    if case.at is None:
        assert not findings
        return
    assert set(findings) == {line_of(case.at), *map(line_of, case.also)}
    finding = findings[line_of(case.at)]
    assert finding.label == case.label
    assert case.help in finding.help


def test_every_code_of_a_case_speaks_and_is_silent() -> None:
    """The files of a new rule's class are tested by themselves; a rule with cases of its own has some of both kinds."""
    speaking = {case.code for case in CASES if case.at is not None}
    assert speaking == {case.code for case in CASES if case.at is None}
    assert speaking <= {rule.code for rule in all_rules()}


# Networks


@cache
def checked(name: str, *size: int) -> Report:
    path = CONFIGS / f"{name}.yaml"
    return planner.check(path, input=[*size, 3]) if size else planner.check(path)


def told(report: Report, *severities: Severity) -> list[tuple[str, str | None]]:
    """Codes of findings and the steps that they name, sorted."""
    return sorted((each.code, each.step) for each in report.diagnostics if each.severity in severities)


WARNINGS = {
    "dcgan_generator": [("NSP330", name) for name in ("up1.0", "up2.0", "up3.0", "up4")],  # 5×5 kernels at stride 2
    "deeplabv3_resnet50": [("NSP333", "classifier.0.convs.3.0"), ("NSP403", "classifier.0.convs.4.2")],
    "resnet50_v1": [
        *(("NSP322", f"layer{stage}.0.{name}") for stage in (2, 3, 4) for name in ("conv1", "downsample.0")),
        ("NSP325", "layer2.0.conv1"),
    ],
    "squeezenet1_0": [("NSP320", "input"), ("NSP321", "features.0")],
    "squeezenet1_1": [("NSP320", "input"), ("NSP321", "features.0")],
}
"""All warnings for the networks in `configs/` at their own sizes; the others have none."""


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_no_false_alarms(name: str) -> None:
    assert told(checked(name), Severity.ERROR, Severity.WARNING) == sorted(WARNINGS.get(name, []))


AT_OTHER_SIZES = [
    ("vgg16", 300, [("NSP321", "features.16"), ("NSP321", "features.23")]),  # pool3 and pool4
    ("vgg16", 320, []),
    ("resnet50", 225, []),
    ("resnet50", 223, []),
    ("mobilenet_v2", 225, []),
    ("inception_v3", 299, []),
    ("inception_v3", 300, [("NSP320", "input"), ("NSP321", "Conv2d_1a_3x3.conv")]),
    ("convnext_tiny", 225, [("NSP320", "input"), ("NSP321", "features.0.0")]),
    ("convnext_tiny", 230, [("NSP320", "input"), ("NSP321", "features.0.0"), ("NSP321", "features.2.1")]),
    ("alexnet", 227, [("NSP320", "input"), ("NSP321", "features.2")]),
    ("squeezenet1_1", 225, []),
    ("lraspp_mobilenet_v3_large", 225, []),  # a resize that drifts by less than a cell
]


@pytest.mark.parametrize(("name", "size", "expected"), AT_OTHER_SIZES)
def test_networks_at_other_sizes(name: str, size: int, expected: list[tuple[str, str]]) -> None:
    assert told(checked(name, size, size), Severity.ERROR, Severity.WARNING) == expected


@pytest.mark.parametrize(
    ("name", "size", "message", "label"),
    [
        ("squeezenet1_1", 224, "447 of 50,176 cells", "row 223 and column 223 of 224×224×3"),
        ("convnext_tiny", 225, "449 of 50,625 cells", "row 224 and column 224 of 225×225×3"),
        ("inception_v3", 224, "1,335 of 50,176 cells", "rows 221–223 and columns 221–223 of 224×224×3"),
        ("inception_v3", 300, "599 of 90,000 cells", "row 299 and column 299 of 300×300×3"),
        ("alexnet", 227, "904 of 51,529 cells", "rows 225–226 and columns 225–226 of 227×227×3"),
        ("alexnet", 230, "2,275 of 52,900 cells", "rows 225–229 and columns 225–229 of 230×230×3"),
    ],
)
def test_unread_input_of_networks(name: str, size: int, message: str, label: str) -> None:
    (finding,) = found(checked(name, size, size), "NSP320").values()
    assert finding.message == f"{message} of `input` are never read"
    assert finding.label == f"no output depends on {label}"


@pytest.mark.parametrize("name", sorted(path.stem for path in TORCHVISION.glob("*.json")))
def test_unread_input_as_autograd_has_it(name: str) -> None:
    """Said if and only if a gradient is zero, with the number of cells, at all sizes that were measured."""
    measured: dict[str, Any] = json.loads((TORCHVISION / f"{name}.json").read_text())
    for size, unread in measured.get("unread", {}).items():
        report = checked(name, *map(int, size.split("x")))
        cells = [each.message.split()[0].replace(",", "") for each in found(report, "NSP320").values()]
        assert cells == ([str(unread["cells"])] if unread["cells"] else []), size


def test_resnet50_v1_wastes_a_tenth() -> None:
    """Three quarters of the last block of each stage, because the next one skips them: said once."""
    report = checked("resnet50_v1")
    (finding,) = [each for each in report.diagnostics if each.code == "NSP325"]
    assert finding.step == "layer2.0.conv1"
    assert finding.message == "9.7 % of all multiply-adds are computed and never read"
    assert finding.label == (
        "375,717,888 of 3,857,973,248 MACs, most in `layer1.2.conv2`, `layer2.3.conv2`, `layer3.5.conv2` and 3 more; "
        "`layer2.0.conv1`, `layer3.0.conv1` and `layer4.0.conv1` leave them unread"
    )


def test_resnet_d_is_half_a_cell_off() -> None:
    """arXiv:1812.01187: the average pool in the shortcut, beside the 3×3 convolution of stride 2; half a cell of what
    both read, which has half the stride of the grid on which they meet.
    """
    text = (CONFIGS / "resnet50.yaml").read_text()
    plain = "      - {type: Conv2d, out_channels: $out_channels, kernel_size: 1, stride: $stride, bias: false}\n"
    pooled = "      - {type: AvgPool2d, kernel_size: $stride}\n" + plain.replace("stride: $stride, ", "")
    assert plain in text
    report = checked_text(text.replace(plain, pooled))
    assert told(report, Severity.ERROR, Severity.WARNING) == []
    shifts = {each.step: each.label for each in report.diagnostics if each.code == "NSP327"}
    assert shifts == {
        f"layer{stage}.0.add": f"height and width: `layer{stage}.0.bn3` and `layer{stage}.0.downsample.2` look "
        f"{apart} cells of `input` apart, at {4 * apart} a step; "
        f"the cause is `layer{stage}.0.downsample.0`"
        for stage, apart in ((2, 2), (3, 4), (4, 8))
    }
    assert not any(each.code == "NSP323" for each in report.diagnostics)


def test_vision_transformer_drops_all_tokens_but_one() -> None:
    """The price of the last layer's other 196 tokens: the queries of its attention, and its dense layers."""
    (finding,) = [each for each in checked("vit_b_16").diagnostics if each.code == "NSP328"]
    tokens, kept, width, inner = 197, 1, 768, 3072
    queries = 2 * width * width + 2 * tokens * width  # projections of query and result, products with keys and values
    spared = (tokens - kept) * (queries + 2 * width * inner)
    assert finding.step == "select"
    assert finding.label.startswith(f"the rest took {spared:,} of 17,563,828,224 MACs, 6.9 %, in ")


def test_multiply_adds_of_a_cropped_transposed_convolution() -> None:
    """Against every input and tap, one by one."""
    n, kernel, stride, padding, top, left = 8, 4, 2, 1, 3, 2
    report = checked_text(
        f"input: [{n}, {n}, 4]\nlayers:\n"
        f"  - {{type: ConvTranspose2d, out_channels: 6, kernel_size: {kernel}, stride: {stride}, padding: {padding}}}\n"
        f"  - {{type: Crop, amount: [[{top}, 0], [{left}, 0]]}}\n"
    )
    length = (n - 1) * stride - 2 * padding + kernel
    writes = [out for i in range(n) for j in range(kernel) if 0 <= (out := i * stride - padding + j) < length]
    read = [sum(out >= cut for out in writes) for cut in (top, left)]
    assert report.reach is not None
    assert report.reach.wasted_macs == (len(writes) ** 2 - read[0] * read[1]) * 4 * 6


# What is allowed, and copies


PAIRS = """
    input: [64, 64, 8]
    layers:
      - {name: pair, type: pair, repeat: 3}
    blocks:
      pair:
        layers:
          - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 2, dilation: 2}
          - {name: b, type: Conv2d, out_channels: 8, kernel_size: 3, padding: 2, dilation: 2}
          - {name: end, END}
"""


def test_a_finding_in_copies_of_a_block() -> None:
    """One for each copy, which the outputs bring together; the row ends at a stride."""
    report = checked_text(PAIRS.replace("END", "type: MaxPool2d, kernel_size: 1, stride: 2"))
    copies = [each for each in report.diagnostics if each.code == "NSP332"]
    assert [each.step for each in copies] == ["pair.0.b", "pair.1.b", "pair.2.b"]
    assert [each.label.rpartition("; ")[2] for each in copies] == [
        f"through `pair.{i}.a` and `pair.{i}.b`" for i in range(3)
    ]
    assert len({each.path for each in copies}) == 1


def test_a_row_goes_through_residual_connections() -> None:
    """Six layers of dilation 2 read every other cell, whatever is added to them."""
    report = checked_text(PAIRS.replace("END", "type: Add, from: [input, b]"))
    (finding,) = [each for each in report.diagnostics if each.code == "NSP332"]
    assert finding.step == "pair.2.b"
    assert finding.message.startswith("6 dilated layers")
    assert finding.label.startswith("height and width: an output reads 13 of the 25 cells of its field, 169 of 625 in")


def test_a_window_with_a_stride_may_fill_the_grid() -> None:
    report = checked_text(PAIRS.replace("END", "type: MaxPool2d, kernel_size: 2"))
    assert "NSP332" not in {each.code for each in report.diagnostics}


def test_allowed_on_a_layer() -> None:
    layers = ["{type: MaxPool2d, kernel_size: 2, allow: [lost-cells]}", "{type: MaxPool2d, kernel_size: 2}"]
    text = "input: [27, 27, 8]\nlayers:\n" + "".join(f"  - {layer}\n" for layer in layers)
    assert list(found(checked_text(text), "NSP321")) == [4]


# Cost


def chain(entries: list[str], repeat: int) -> Report:
    """A report on a block in so many copies, one after the other."""
    lines = [
        "input: [32, 32, 4]",
        "layers:",
        f"  - {{type: link, repeat: {repeat}}}",
        "blocks:",
        "  link:",
        "    layers:",
    ]
    return Report(propagate(load(parse("\n".join([*lines, *(f"      - {{{each}}}" for each in entries), ""])))))


CHAINS = {
    "plain": ["type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1", "type: BatchNorm2d", "type: ReLU"],
    "dilated": ["type: Conv2d, out_channels: 4, kernel_size: 3, padding: 2, dilation: 2", "type: ReLU", "type: ReLU"],
    "residual": [
        "name: a, type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1",
        "name: b, type: Conv2d, out_channels: 4, kernel_size: 3, padding: [[2, 0], [2, 0]]",
        "type: Add, from: [input, b]",
    ],
    "wasteful": [
        "name: a, type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1",
        "name: b, type: Conv2d, out_channels: 4, kernel_size: 2, padding: [[1, 0], [1, 0]]",
        "name: c, type: Conv2d, out_channels: 4, kernel_size: 1, from: a",
    ],
}


@pytest.mark.parametrize(
    ("name", "steps"), [("plain", 5_000), ("dilated", 5_000), ("residual", 2_500), ("wasteful", 2_500)]
)
def test_cost_is_linear(name: str, steps: int) -> None:
    """Four times the steps take about four times as long, far from the sixteen of a walk over all for each."""

    def seconds(count: int) -> float:
        taken = []
        for _ in range(2):
            report = chain(CHAINS[name], count // 3)
            gc.collect()
            start = time.process_time()
            for rule in all_rules():
                judge(report, rule)
            taken.append(time.process_time() - start)
        return min(taken)

    seconds(100)  # what is imported and remembered
    assert seconds(4 * steps) < 10 * seconds(steps)


def test_no_help_that_costs_another_step() -> None:
    text = """
        input: [64, 64, 3]
        layers:
          - {type: Conv2d, name: down, out_channels: 8, kernel_size: 3, stride: 3}
          - {type: Flatten, start_dim: 2}
          - {type: Unflatten, dim: 2, unflattened_size: [21, 21]}
          - {type: Add, name: wrong, from: [unflatten, input]}
        """
    (lost,) = [each for each in checked_text(text).diagnostics if each.step == "down"]
    assert "`padding: [[0, 2], [0, 2]]`" not in lost.help  # 22×22 cells, which the Unflatten does not take
    assert "`kernel_size: 4`" in lost.help
