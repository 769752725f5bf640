"""What became of a run that ended in an exception: which fault, in which words, and how far it had come."""

import re

import msgspec
import pydantic_monty as monty

from ecology.sandbox.frame import Frame
from ecology.sandbox.outcome import MAX_DETAIL_CHARACTERS, Fault, Limits, one_line
