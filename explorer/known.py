"""How a finished evaluation is kept on disk: plain arrays, no pickles."""

import numpy as np

from explorer.cache import Codec
from explorer.tasks import Evaluation, Metric


def _pack(evaluation: Evaluation) -> dict:
    metrics = [evaluation.metric, evaluation.fp32, evaluation.difference, evaluation.agreement]
    metrics += [] if evaluation.similarity is None else [evaluation.similarity]
    return {
        "names": np.array([m.name for m in metrics]), "kinds": np.array([m.kind for m in metrics]),
        "units": np.array([m.unit for m in metrics]),
        "values": np.float64([(m.value, m.low, m.high) for m in metrics]), "n": np.int64([m.n for m in metrics]),
        "changed": np.int64(evaluation.changed), "wrong": np.int64(evaluation.wrong),
        "losses": np.float64(evaluation.losses),
    }  # fmt: skip


def _unpack(a) -> Evaluation:
    columns = zip(a["names"].tolist(), a["values"].tolist(), a["n"].tolist(), a["kinds"].tolist(), a["units"].tolist(), strict=True)
    metrics = [Metric(name, *values, n, kind, unit) for name, values, n, kind, unit in columns]
    return Evaluation(*metrics[:4], tuple(a["changed"].tolist()), done=True, wrong=tuple(a["wrong"].tolist()),
                      losses=tuple(a["losses"].tolist()), similarity=next(iter(metrics[4:]), None))  # fmt: skip


EVALUATION = Codec(_pack, _unpack)
