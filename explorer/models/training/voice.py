"""Makes voice.safetensors, in half a minute on one core, from the announcements that speech.py leaves to train.

Needs the Debian packages asterisk-core-sounds-{en,es,fr,it,ru}-wav 1.6.1: apt-get installs them.
"""

import numpy as np
import torch

from explorer.models import assets, speech, voice
from explorer.models.networks.folding import fold_batchnorm
from explorer.models.networks.temporal import TemporalNet
from explorer.models.training.fit import fit, half, make_deterministic, state
from explorer.models.training.speech import FOLDERS, split

CROPS = 4  # seconds cut at random out of each announcement


def main() -> None:
    make_deterministic(seed=0)
    inputs, labels = crops(np.random.default_rng(0))
    module = TemporalNet(*voice.ARCHITECTURE, batchnorm=True)
    fit(module, inputs, labels, epochs=8, batch=64, peak_rate=1e-2, weight_decay=1e-4)
    assets.write_weights(voice.FILE, half(state(fold_batchnorm(module))))


def crops(draw: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Seconds at random places, as the network gets them, with the language of each."""
    seconds, labels = [], []
    for label, folder in enumerate(FOLDERS):
        for sound in split(folder)[1]:
            room = max(speech.RATE, len(sound)) + speech.RATE // 4  # silence before and behind
            padded = np.zeros(room, np.int16)
            at = int(draw.integers(0, room - len(sound) + 1))
            padded[at : at + len(sound)] = sound
            for start in draw.integers(0, room - speech.RATE + 1, CROPS):
                seconds.append(padded[start : start + speech.RATE])
                labels.append(label)
    return voice.prepare(speech.encode(np.stack(seconds))), torch.tensor(labels)


if __name__ == "__main__":
    main()
