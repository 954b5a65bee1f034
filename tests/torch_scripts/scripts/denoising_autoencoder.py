"""A denoising autoencoder: noise goes in, the clean picture is the target; no labels at all."""
# expect:
# [[run]]
# epochs = 3
# steps = 15
# params = {optimizer = "Adam", criterion = "MSELoss", model = "AutoEncoder", "loader.batch_size" = 32, "loader.shuffle" = true}
# models = ["model"]

import torch
import torch.nn as nn
import torch.utils.data as Data


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 10), nn.Tanh(), nn.Linear(10, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 10), nn.Tanh(), nn.Linear(10, 16), nn.Sigmoid())

    def forward(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return encoded, decoded


torch.manual_seed(56)
pictures = (torch.rand(150, 1) * 4 + torch.linspace(0, 6, 16)).sin() / 2 + 0.5
train_loader = Data.DataLoader(dataset=pictures, batch_size=32, shuffle=True)
autoencoder = AutoEncoder()
optimizer = torch.optim.Adam(autoencoder.parameters(), lr=0.005)
loss_func = nn.MSELoss()
for epoch in range(3):
    #! epoch: epoch
    for step, clean in enumerate(train_loader):
        noisy = clean + 0.1 * torch.randn_like(clean)
        encoded, decoded = autoencoder(noisy)
        loss = loss_func(decoded, clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
        if step % 4 == 0:
            print("Epoch: ", epoch, "| train loss:", loss.data.numpy())
#! model: autoencoder(pictures[:4])
