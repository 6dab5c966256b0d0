"""A small DCGAN: generator of transposed convolutions, discriminator of convolutions, both with batch norm, weights
by apply.
"""

import torch
import torch.nn as nn
import torch.optim as optim
from first_values import fill, normal

nz, ngf, ndf = 4, 6, 6


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, 1, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, x):
        return self.main(x)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return self.main(x).view(-1, 1).squeeze(1)


netG, netD = Generator(), Discriminator()
netG.apply(weights_init)
print(abs(netG.main[0].weight.std().item() - 0.02) < 0.01, netG.main[1].bias.sum().item())
fill(netG, seed=1)
fill(netD, seed=2)
netG.main[1].weight.data.fill_(1.0)
print(netD)
criterion = nn.BCELoss()
real_label, fake_label = 1.0, 0.0
optimizerD = optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999))
real = torch.tanh(normal(8, 1, 4, 4)).repeat_interleave(4, 2).repeat_interleave(4, 3)
for step in range(6):
    netD.zero_grad()
    label = torch.full((8,), real_label, dtype=torch.float)
    errD_real = criterion(netD(real), label)
    errD_real.backward()
    fake = netG(normal(8, nz, 1, 1, seed=step))
    label.fill_(fake_label)
    output = netD(fake.detach())
    errD_fake = criterion(output, label)
    errD_fake.backward()
    optimizerD.step()
    netG.zero_grad()
    label.fill_(real_label)
    errG = criterion(netD(fake), label)
    errG.backward()
    optimizerG.step()
    errD = errD_real + errD_fake
    print(f"[{step}] Loss_D: {errD.item():.4f} Loss_G: {errG.item():.4f} D(x): {output.mean().item():.4f}")
netG.eval()
print(
    fake.shape,
    netG(normal(1, nz, 1, 1))[0, 0, 0, :5].detach(),
    netG.main[1].running_mean,
    netG.main[1].num_batches_tracked,
)
