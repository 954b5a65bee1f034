"""A character-level transformer trained in epochs over a loader of windows, with a sample at the end."""
# expect:
# [[run]]
# epochs = 2
# steps = 18
# params = {optimizer = "Adam", model = "CharTransformer", "model.d_model" = 16, "model.nhead" = 2, "loader.batch_size" = 16, "loader.drop_last" = true, CONTEXT = 12}
# models = ["model"]

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

CONTEXT = 12
LYRICS = "row row row your boat gently down the stream merrily merrily life is but a dream " * 4


class Windows(Dataset):
    def __init__(self, text, size):
        self.vocabulary = sorted(set(text))
        self.ids = torch.tensor([self.vocabulary.index(letter) for letter in text])
        self.size = size

    def __len__(self):
        return (len(self.ids) - self.size - 1) // 2

    def __getitem__(self, index):
        piece = self.ids[index * 2 : index * 2 + self.size + 1]
        return piece[:-1], piece[1:]


class CharTransformer(nn.Module):
    def __init__(self, vocab, d_model=16, nhead=2):
        super().__init__()
        self.token = nn.Embedding(vocab, d_model)
        self.place = nn.Parameter(torch.zeros(CONTEXT, d_model))
        self.block = nn.TransformerEncoderLayer(d_model, nhead, 32, dropout=0.1, batch_first=True)
        self.head = nn.Linear(d_model, vocab)

    def forward(self, ids):
        length = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        return self.head(self.block(self.token(ids) + self.place[:length], src_mask=mask, is_causal=True))


@torch.no_grad()
def sample(model, dataset, start, length):
    model.eval()
    ids = [dataset.vocabulary.index(letter) for letter in start]
    for _ in range(length):
        logits = model(torch.tensor([ids[-CONTEXT:]]))[0, -1]
        ids.append(int(torch.multinomial(logits.softmax(-1), 1)))
    return "".join(dataset.vocabulary[i] for i in ids)


def train():
    torch.manual_seed(1)
    dataset = Windows(LYRICS, CONTEXT)
    loader = DataLoader(dataset, batch_size=16, shuffle=True, drop_last=True)
    model = CharTransformer(len(dataset.vocabulary))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(2):
        #! epoch: epoch
        for x, y in loader:
            logits = model(x)
            loss = criterion(logits.transpose(1, 2), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        print(f"epoch {epoch}: {loss.item()}")
    print(repr(sample(model, dataset, "row", 20)))
    #! model: model(dataset[0][0][None])


train()
