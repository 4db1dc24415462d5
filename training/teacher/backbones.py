"""The perceptual loss' networks: EfficientNet-Lite0 from its wheel, or the papers' VGG19."""

from __future__ import annotations

import importlib
from urllib.error import URLError

from torch import Tensor, nn

from live.errors import SetupError
from training.perceptual import PerceptualFeatures, perceptual_distance

KNOWN = ("efficientnet", "vgg19")
_VGG_TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1
_VGG_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)  # of pix2pixHD's code
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels


class Perceptual(nn.Module):
    """How different two pictures look to a network that knows the world. Frozen."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features.requires_grad_(False).eval()

    def forward(self, found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """found, wanted: (N, 3, h, w) in [-1, 1]; weight: (N, 1, h, w) of mean 1. A scalar."""
        real = [maps.detach() for maps in self.features((wanted + 1) / 2)]
        return perceptual_distance(real, self.features((found + 1) / 2), weight)


class VggFeatures(nn.Module):
    """RGB in [0, 1] -> five maps of VGG19, scaled as pix2pixHD's loss counts them."""

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = nn.ModuleList(list(layers)[: _VGG_TAPS[-1] + 1])

    def forward(self, rgb: Tensor) -> list[Tensor]:
        mean, deviation = (rgb.new_tensor(v)[:, None, None] for v in (_MEAN, _DEVIATION))
        x, found = (rgb - mean) / deviation, list[Tensor]()
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in _VGG_TAPS:
                found.append(x)
        return found


class VggPerceptual(Perceptual):
    """pix2pixHD's: weighted mean |difference| of VGG19's maps (Johnson et al., ECCV 2016)."""

    def forward(self, found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        real, fake = self.features((wanted + 1) / 2), self.features((found + 1) / 2)
        total = found.new_zeros(())
        for share, a, b in zip(_VGG_WEIGHTS, real, fake, strict=True):
            local = nn.functional.adaptive_avg_pool2d(weight, (a.shape[2], a.shape[3]))
            total = total + share * ((a.detach() - b).abs().mean(1, keepdim=True) * local).mean()
        return total


def open_backbone(name: str) -> Perceptual:
    """Raises SetupError for one that is unknown or cannot be had here."""
    if name == "efficientnet":
        return Perceptual(PerceptualFeatures())
    if name == "vgg19":
        return VggPerceptual(VggFeatures(_vgg19()))
    raise SetupError(f"--backbone is {name!r}; known: {', '.join(KNOWN)}")


def _vgg19() -> nn.Sequential:
    try:
        models = importlib.import_module("torchvision.models")
    except ImportError as error:
        raise SetupError(
            "--backbone vgg19 needs torchvision, which is not installed: pip install torchvision, "
            "or use --backbone efficientnet"
        ) from error
    try:
        layers: nn.Sequential = models.vgg19(weights=models.VGG19_Weights.IMAGENET1K_V1).features
    except (OSError, URLError, RuntimeError) as error:
        raise SetupError(
            f"VGG19's weights could not be downloaded ({error}); use --backbone efficientnet"
        ) from error
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # the maps are kept
    return layers
