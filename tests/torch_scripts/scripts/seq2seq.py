"""A sequence-to-sequence model with teacher forcing; padding is ignored by the loss and the token accuracy."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam", criterion = "CrossEntropyLoss", "criterion.ignore_index" = 0, model = "Seq2Seq", PAD = 0}
# models = ["model", "best"]

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

PAD, START = 0, 1


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, source, target):
        return self.decoder(target, self.encoder(source))


class Encoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embed = nn.Embedding(vocab, hidden, padding_idx=PAD)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, source):
        return self.gru(self.embed(source))[1]


class Decoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embed = nn.Embedding(vocab, hidden, padding_idx=PAD)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, target, hidden):
        return self.out(self.gru(self.embed(target), hidden)[0])


def pair():
    words = [random.randint(2, 9) for _ in range(random.randint(2, 5))]
    return torch.tensor(words), torch.tensor([START, *reversed(words)])


def collate(batch):
    sources, targets = zip(*batch, strict=True)
    return pad_sequence(sources, True, PAD), pad_sequence(targets, True, PAD)


def evaluate(model, iterator, criterion):
    model.eval()
    epoch_loss, right, tokens = 0, 0, 0
    with torch.no_grad():
        for src, trg in iterator:
            output = model(src, trg[:, :-1]).reshape(-1, 10)
            gold = trg[:, 1:].reshape(-1)
            epoch_loss += criterion(output, gold).item()
            right += ((output.argmax(1) == gold) & (gold != PAD)).sum().item()
            tokens += (gold != PAD).sum().item()
    return epoch_loss / len(iterator), right / tokens


random.seed(1234)
torch.manual_seed(1234)
train_iterator = DataLoader([pair() for _ in range(120)], batch_size=30, shuffle=True, collate_fn=collate)
valid_iterator = DataLoader([pair() for _ in range(40)], batch_size=20, collate_fn=collate)
model = Seq2Seq(Encoder(10, 12), Decoder(10, 12))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for epoch in range(2):
    #! epoch: epoch
    model.train()
    epoch_loss = 0
    for src, trg in train_iterator:
        optimizer.zero_grad()
        output = model(src, trg[:, :-1])
        output_dim = output.shape[-1]
        loss = criterion(output.reshape(-1, output_dim), trg[:, 1:].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        #! train_loss: loss.item()
        epoch_loss += loss.item()
    valid_loss, token_accuracy = evaluate(model, valid_iterator, criterion)
    #! val_loss: valid_loss
    #! val_accuracy: token_accuracy
    print(f"Epoch: {epoch + 1:02}\tTrain Loss: {epoch_loss / 4}\t Val. Loss: {valid_loss}\tTokens: {token_accuracy}")
#! model: model(torch.tensor([[2, 3, 4]]), torch.tensor([[1, 4, 3]]))
