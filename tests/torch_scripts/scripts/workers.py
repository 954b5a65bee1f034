"""A loader with two forked worker processes, a custom dataset that draws numbers, and a worker_init_fn."""
# expect:
# [[run]]
# epochs = 2
# steps = 6
# params = {optimizer = "Adam", "loader.batch_size" = 20, "loader.num_workers" = 2, "loader.shuffle" = true}
# models = ["model"]

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    def __init__(self, n):
        self.x = torch.linspace(-1, 1, n).unsqueeze(1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index] + 0.01 * torch.randn(1), self.x[index].cos()


def seed_worker(worker_id):
    torch.set_num_threads(1)
    torch.manual_seed(torch.initial_seed() % 2**32)


if __name__ == "__main__":
    torch.manual_seed(47)
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(
        Noisy(60), 20, shuffle=True, num_workers=2, worker_init_fn=seed_worker, generator=generator,
        multiprocessing_context="fork",
    )  # fmt: skip
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for epoch in range(2):
        #! epoch: epoch
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        print(epoch, loss.item())
    #! model: model(torch.zeros(2, 1))
