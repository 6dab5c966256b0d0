"""Residual blocks and GoogLeNet-like branches: shortcuts, concatenation over channels, a squeeze gate, depthwise
convolutions.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill, normal


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class Inception(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.b1 = nn.Sequential(nn.Conv2d(channels, 2, 1), nn.ReLU(True))
        self.b2 = nn.Sequential(
            nn.Conv2d(channels, 2, 1), nn.ReLU(True), nn.Conv2d(2, 3, 3, padding="same"), nn.ReLU(True)
        )
        self.b3 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(channels, 2, 1))
        self.b4 = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, groups=channels), nn.Conv2d(channels, 1, 1))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], 1)


class SE(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(c, 2, 1), nn.Conv2d(2, c, 1)

    def forward(self, x):
        w = F.avg_pool2d(x, x.size(2))
        return x * self.fc2(F.silu(self.fc1(w))).sigmoid()


class Net(nn.Module):
    def __init__(self, block, num_blocks, num_classes=3):
        super().__init__()
        self.in_planes = 4
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = self._make_layer(block, 4, num_blocks[0], stride=1)
        self.layer2 = self._make_layer(block, 8, num_blocks[1], stride=2)
        self.inception, self.se = Inception(8), SE(8)
        self.pool = nn.AdaptiveAvgPool2d((1, 1))
        self.linear = nn.Linear(8, num_classes)

    def _make_layer(self, block, planes, num_blocks, stride):
        layers = []
        for stride in [stride] + [1] * (num_blocks - 1):
            layers.append(block(self.in_planes, planes, stride))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.se(self.inception(self.layer2(self.layer1(out))))
        return self.linear(torch.flatten(self.pool(out), 1))


net = fill(Net(BasicBlock, [1, 2]))
for m in net.modules():
    if isinstance(m, nn.BatchNorm2d):
        nn.init.ones_(m.weight)
print(sum(p.numel() for p in net.parameters()), len(list(net.modules())), net.layer2[0])
x, y = normal(12, 3, 8, 8), torch.arange(12) % 3
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
for epoch in range(6):
    net.train()
    optimizer.zero_grad()
    outputs = net(x)
    loss = criterion(outputs, y)
    loss.backward()
    optimizer.step()
    scheduler.step()
    _, predicted = outputs.max(1)
    print(f"{epoch} Loss: {loss.item():.4f} | {predicted.eq(y).sum().item() <= 12}")
net.eval()
with torch.no_grad():
    print(net(x[:2]), net.bn1.running_var)
