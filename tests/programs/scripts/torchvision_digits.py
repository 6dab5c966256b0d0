"""MNIST as torchvision gives it: transforms composed, a data set by its folder, a LeNet that learns from a few
batches.
"""

import torch
import torch.nn as nn
from first_values import fill
from torchvision import datasets, transforms

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train = datasets.MNIST("data", train=True, download=True, transform=transform)
loader = torch.utils.data.DataLoader(train, batch_size=50, shuffle=True)
image, label = train[0]
print(len(train) >= 1000, image.shape, image.dtype, 0 <= label < 10)


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 12, 5), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(12 * 4 * 4, 32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


model = fill(LeNet())
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
right = seen = 0
for step, (images, labels) in enumerate(loader):
    loss = nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step >= 30:
        right += (model(images).argmax(1) == labels).sum().item()
        seen += len(labels)
    if step == 40:
        break
print("accuracy above one half:", right / seen > 0.5)
augment = transforms.Compose([transforms.RandomCrop(28, padding=2), transforms.RandomHorizontalFlip()])
print(augment(image).shape)
