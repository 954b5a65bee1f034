"""A dataclass as configuration, a Trainer class with methods, and a custom collate function."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "AdamW", "optimizer.lr" = 0.01, model = "BagOfWords", learning_rate = 0.01, batch_size = 15, n_epochs = 2, embedding_dim = 6, "loader.batch_size" = 15}
# models = ["model", "best"]

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.utils.data import DataLoader


@dataclass(frozen=True)
class Config:
    learning_rate: float = 1e-2
    batch_size: int = 15
    n_epochs: int = 2
    embedding_dim: int = 6
    betas: tuple = field(default=(0.9, 0.95))


class BagOfWords(nn.Module):
    def __init__(self, vocab_size, config):
        super().__init__()
        self.bag = nn.EmbeddingBag(vocab_size, config.embedding_dim)
        self.linear = nn.Linear(config.embedding_dim, 2)

    def forward(self, words, offsets):
        return self.linear(self.bag(words, offsets))


def collate(batch):
    labels = torch.tensor([label for label, _ in batch])
    words = [words for _, words in batch]
    offsets = torch.tensor([0, *(len(part) for part in words[:-1])]).cumsum(0)
    return labels, torch.cat(words), offsets


class Trainer:
    def __init__(self, config):
        self.config = config
        self.model = BagOfWords(30, config)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=config.learning_rate, betas=config.betas)
        self.loss = nn.CrossEntropyLoss()

    def fit(self, train_data, val_data):
        loader = DataLoader(train_data, batch_size=self.config.batch_size, shuffle=True, collate_fn=collate)
        for epoch in range(self.config.n_epochs):
            #! epoch: epoch
            self.model.train()
            for labels, words, offsets in loader:
                self.training_step(labels, words, offsets)
            self.validate(epoch, val_data)

    def training_step(self, labels, words, offsets):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(words, offsets), labels)
        loss.backward()
        self.optimizer.step()
        #! train_loss: loss.item()

    @torch.no_grad()
    def validate(self, epoch, data):
        self.model.eval()
        labels, words, offsets = collate(data)
        logits = self.model(words, offsets)
        val_loss = self.loss(logits, labels)
        accuracy = (logits.argmax(1) == labels).float().mean()
        #! val_loss: val_loss.item()
        #! val_accuracy: accuracy.item()
        print(f"epoch {epoch}: {val_loss.item()} {accuracy.item()}")


def sentences(n):
    for _ in range(n):
        words = torch.randint(0, 30, (int(torch.randint(3, 7, ())),))
        yield int(words.float().mean() > 15), words


torch.manual_seed(49)
trainer = Trainer(Config())
trainer.fit(list(sentences(60)), list(sentences(40)))
#! model: trainer.model(torch.tensor([1, 2, 20, 21]), torch.tensor([0, 2]))
