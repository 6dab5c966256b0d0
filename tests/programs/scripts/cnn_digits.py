"""A CNN on drawn digits: a Dataset with a transform, a DataLoader with workers, a training loop with accuracy."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from first_values import fill
from torch.utils.data import DataLoader, Dataset

STROKES = {0: ["###", "# #", "# #", "# #", "###"], 1: [" # ", "## ", " # ", " # ", "###"]}
STROKES |= {2: ["###", "  #", "###", "#  ", "###"], 3: ["###", "  #", " ##", "  #", "###"]}


class Digits(Dataset):
    """Digits of 3x5 cells on a 12x12 sheet, shifted and noisy; every example has its own generator."""

    def __init__(self, count, transform=None, target_transform=None):
        self.count, self.transform, self.target_transform = count, transform, target_transform

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        label = int(rng.integers(4))
        image = rng.integers(0, 60, (12, 12)).astype(np.uint8)
        top, left = rng.integers(0, 7), rng.integers(0, 9)
        for r, row in enumerate(STROKES[label]):
            for c, mark in enumerate(row):
                image[top + r, left + c] = 255 if mark == "#" else image[top + r, left + c]
        if self.transform:
            image = self.transform(image)
        return image, label


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 8, 3)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(8 * 2 * 2, 16)
        self.fc2 = nn.Linear(16, 4)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 8 * 2 * 2)
        return F.log_softmax(self.fc2(F.relu(self.fc1(x))), dim=1)


def main():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    to_tensor = lambda image: (torch.from_numpy(image).float().div(255).unsqueeze(0) - 0.3) / 0.4
    train = DataLoader(Digits(192, to_tensor), batch_size=32, num_workers=2)
    model = fill(Net()).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(3):
        model.train()
        running, right = 0.0, 0
        for data, target in train:
            data, target = data.to(device), target.to(device)
            optimizer.zero_grad()
            output = model(data)
            loss = F.nll_loss(output, target)
            loss.backward()
            optimizer.step()
            running += loss.item()
            right += output.argmax(dim=1, keepdim=True).eq(target.view_as(output[:, :1])).sum().item()
        print(f"epoch {epoch}: loss {running / len(train):.3f}, {right > 40}")
    model.eval()
    images, labels = next(iter(DataLoader(Digits(8, to_tensor), batch_size=8)))
    with torch.no_grad():
        print(images.shape, images.dtype, labels.dtype, labels, model(images.to(device)).exp().sum().item())
    edge = torch.tensor([[-1.0, 0.0, 1.0]] * 3).view(1, 1, 3, 3)
    print(F.conv2d(images[:1], edge, padding=1)[0, 0, 5], F.avg_pool2d(images, 4)[0, 0])


if __name__ == "__main__":
    main()
