"""An autoencoder with a bottleneck, a convolutional one with transposed convolutions, and denoising."""

import torch
from first_values import fill, normal
from torch import nn


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 8), nn.ReLU(True), nn.Linear(8, 2))
        self.decoder = nn.Sequential(nn.Linear(2, 8), nn.ReLU(True), nn.Linear(8, 16), nn.Sigmoid())

    def forward(self, x):
        code = self.encoder(x)
        return code, self.decoder(code)


factors = normal(64, 2)
x = torch.sigmoid(factors @ normal(2, 16, seed=5))
model = fill(AutoEncoder())
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for step in range(60):
    code, output = model(x)
    loss = nn.functional.mse_loss(output, x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(f"{step:03d} {loss.item():.5f}")
print(code.shape, output[0, :4])

conv = nn.Sequential(
    nn.Conv2d(1, 4, 3, stride=2, padding=1),
    nn.LeakyReLU(0.2),
    nn.Conv2d(4, 8, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.ConvTranspose2d(8, 4, 2, stride=2),
    nn.ReLU(),
    nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=1),
    nn.Tanh(),
)
fill(conv, seed=2)
images = torch.tanh(normal(8, 1, 8, 8, seed=7)).cumsum(-1).tanh()
noisy = images + 0.1 * normal(8, 1, 8, 8, seed=8)
optimizer = torch.optim.Adam(conv.parameters(), lr=5e-3, weight_decay=1e-5)
for step in range(20):
    loss = nn.MSELoss()(conv(noisy), images)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(conv(noisy).shape, loss.item())
upsample = nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(1, 1, 3, padding=1))
print(fill(upsample)(images[:1])[0, 0, 0])
