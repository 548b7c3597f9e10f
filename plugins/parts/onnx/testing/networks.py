"""Networks with random weights, exported by PyTorch: NAME.onnx, and NAME.json with an input and what PyTorch gives for it."""

import json
import sys

import torch
from torch import nn
from torch.nn import functional as F


class Pictures(nn.Module):
    """Residual block with batch norm, dilated, grouped and strided convolutions; pooling; dense layers with a layer norm."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.conv = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.wide = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4)
        self.grouped = nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2)
        self.shortcut = nn.Conv2d(4, 8, 1, stride=2)
        self.max = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.average = nn.AvgPool2d(2, 1, padding=1)
        self.dense = nn.Linear(8, 7)
        self.layer = nn.LayerNorm(7)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(7, 5)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        y = F.gelu(self.wide(torch.relu(self.norm(self.conv(x))))) + x
        h = F.hardswish(self.grouped(y)) + self.shortcut(x)
        h = self.average(self.max(h))
        h = torch.cat([h, h * 0.5], 1)[:, 2:10].mean((2, 3)).view(x.shape[0], -1)
        return self.out(self.drop(F.leaky_relu(self.layer(self.dense(h)))))


class Sequences(nn.Module):
    """A transformer's encoder layer."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(4, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return torch.softmax(self.out(self.encoder(self.dense(x))[:, -1]), -1)


def export(name, model, x, **options):
    model.eval()
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.running_mean.normal_()
        norm.running_var.uniform_(0.5, 2)
    with torch.no_grad():
        y = model(x)
        torch.onnx.export(model, (x,), f"{folder}/{name}.onnx", dynamo=True, verbose=False, **options)
    said = {"x": x.flatten().tolist(), "shape": list(x.shape), "y": y.flatten().tolist()}
    with open(f"{folder}/{name}.json", "w") as file:
        json.dump(said, file)


folder = sys.argv[1]
torch.manual_seed(0)
rows = {0: torch.export.Dim("rows")}
pictures = torch.randn(4, 3, 9, 9)
export("pictures", Pictures(), pictures, dynamic_shapes=(rows,))
export("fixed-rows", Pictures(), pictures)
export("plain", Pictures(), pictures, dynamic_shapes=(rows,), optimize=False)
export("sequences", Sequences(), torch.randn(4, 5, 4), dynamic_shapes=(rows,))
