"""What of learning is used, and when it is learned anew."""

from typing import Annotated

from msgspec import Meta, Struct


class MlSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [ml]."""

    enabled: bool = True
    """Whether forecasts and learned parameters are used (ENABLE_ML_MODELS); without, the defaults are."""
    models_trained: bool = False
    """Whether trained models must be there (ML_MODELS_TRAINED): where they are not, nothing starts. By
    default what was trained is used, and where nothing was, what is known without."""
    auto_retrain: bool = False
    """Whether `tidemill brain` has models trained anew (ML_AUTO_RETRAIN), by drift or by schedule."""
    retrain_check_s: Annotated[int, Meta(ge=1, le=31_536_000)] = 3_600
    """How often it looks whether that is needed."""
    retrain_interval_s: Annotated[int, Meta(ge=1, le=315_360_000)] = 7 * 86_400
    """A model whose data end so long before the newest is trained anew: gas has weekly seasons."""
    drift_ratio: Annotated[float, Meta(gt=1, le=1_000)] = 1.5
    """So is one whose error on newer data is so many times what it was when it was tried."""
