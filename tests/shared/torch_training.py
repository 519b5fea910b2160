"""What tests of PyTorch and of Lightning share."""

import io

import torch

QUIET = {
    "accelerator": "cpu", "devices": 1, "logger": False,
    "enable_progress_bar": False, "enable_model_summary": False,
}  # fmt: skip
"""For Lightning's Trainer."""


def saved(*things):
    """The states of things, through a file that is loaded without pickled code."""
    buffer = io.BytesIO()
    torch.save([thing.state_dict() for thing in things], buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)
