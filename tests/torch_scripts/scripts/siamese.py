"""A siamese network and a contrastive loss written as a module of its own."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "Adam", "optimizer.lr" = 0.002, model = "SiameseNetwork", "loader.batch_size" = 32, "criterion" = "ContrastiveLoss", "criterion.margin" = 1.5}
# models = ["model"]

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Pairs(Dataset):
    def __init__(self, n):
        self.labels = torch.randint(0, 3, (n,))
        self.faces = torch.eye(3)[self.labels].repeat(1, 3) + 0.3 * torch.randn(n, 9)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        other = int(torch.randint(len(self), (1,)))
        differs = torch.tensor([float(self.labels[index] != self.labels[other])])
        return self.faces[index], self.faces[other], differs


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(9, 16), nn.ReLU(inplace=True), nn.Linear(16, 2))

    def forward_once(self, x):
        return self.fc(x)

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = F.pairwise_distance(output1, output2, keepdim=True)
        near = (1 - label) * distance.pow(2)
        far = label * torch.clamp(self.margin - distance, min=0.0).pow(2)
        return torch.mean(near + far)


torch.manual_seed(4)
dataset = Pairs(128)
train_dataloader = DataLoader(dataset, shuffle=True, batch_size=32)
net = SiameseNetwork()
criterion = ContrastiveLoss(margin=1.5)
optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
counter, loss_history = [], []
for epoch in range(3):
    #! epoch: epoch
    for i, (img0, img1, label) in enumerate(train_dataloader):
        optimizer.zero_grad()
        output1, output2 = net(img0, img1)
        loss_contrastive = criterion(output1, output2, label)
        loss_contrastive.backward()
        optimizer.step()
        #! train_loss: loss_contrastive.item()
        if i % 2 == 0:
            print(f"Epoch number {epoch}\n Current loss {loss_contrastive.item()}\n")
            loss_history.append(loss_contrastive.item())
#! model: net(dataset.faces[:4], dataset.faces[4:8])
