"""Anyone's labelled texts: tables with a column of labels, or files of lines that all have one label.

A text counts once, however often it is met, and is in one split: a network that has seen a test text in training would
look better than it is. Whatever is left out, for that reason or another, is counted and said in the corpus's notes.
"""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipelines.corpora.corpus import Corpus, Split, prepare
from pipelines.corpora.labelled_settings import Files, LabelledText
from pipelines.corpora.raw_text import RawText
from pipelines.corpora.text import decode, find, tokenizer
from pipelines.errors import CorpusError
from rnnstore.validation import nearest

SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";"}

Texts = dict[tuple[str, ...], str]  # the steps of a text -> its label, in the order of the files


def load(settings: LabelledText, folder: Path | None = None) -> Corpus:
    """The corpus, with `labels` and the track `label`."""
    notes: list[str] = []
    given = {split: getattr(settings, f"{split}_files") for split in ("validation", "test")}
    whole = _texts(settings.files, settings, folder, notes)
    own = {split: _texts(files, settings, folder, notes) for split, files in given.items() if files}
    _keep_apart(whole, own, notes)
    labels = sorted(set(whole.values()).union(*(texts.values() for texts in own.values())))
    if len(labels) < 2:
        only = f"only the label {labels[0]!r}" if labels else "no labelled text that can be used"
        raise CorpusError(
            f"The files have {only}; a classifier needs texts of at least two. {_summary_of_omissions(notes)}".strip()
        )
    parts = _divide(_draw_by_label(whole, settings), own, settings)
    for split, part in parts.items():
        notes.append(f"{split}: {_counted(part)}")
    corpus = prepare(
        ", ".join(dict.fromkeys(Path(file).name for file in _paths(settings.files))),
        settings.level,
        {split: _raw_text(part, settings.level) for split, part in parts.items()},
        limit=settings.vocabulary,
        minimum_count=settings.minimum_count,
        unknown=settings.unknown,
        track_sources={"label": "given with the text"},
        tokenisation=_tokenisation(settings),
    )
    ids = {label: i for i, label in enumerate(labels)}
    splits = {
        name: replace(split, labels=np.array([ids[label] for label in parts[name].values()], np.int32))
        for name, split in corpus.splits.items()
    }
    if settings.balance == "oversample":
        splits["train"] = oversampled(splits["train"], len(labels), settings.seed)
        repeated = len(splits["train"].lengths) - len(parts["train"])
        notes.append(f"train: {repeated:,} texts are repeated, so that all labels are equally frequent")
    return replace(corpus, splits=splits, labels=labels, notes=tuple(notes))


def _tokenisation(settings: LabelledText) -> dict:
    """What of `rnnstore.networks.tokenising.Tokenisation` the settings decide: a text is typed as one piece."""
    if settings.level == "character":
        return {"lower": settings.lower}
    split = "nltk" if settings.tokenizer == "nltk" else "white space"
    return {"lower": settings.lower, "split": split, "piece": "text"}


def _texts(files: Files, settings: LabelledText, folder: Path | None, notes: list[str]) -> Texts:
    """The texts of these files, each once, with those left out counted in `notes`."""
    cut = list if settings.level == "character" else tokenizer(settings.tokenizer)
    labels: dict[tuple[str, ...], set[str]] = defaultdict(set)
    met, left = 0, Counter[str]()
    for text, label in _rows(files, settings, folder):
        met += 1
        if settings.labels is not None:
            if label not in settings.labels:
                left["have a label that corpus.labels does not name"] += 1
                continue
            label = settings.labels[label]
        steps = tuple(cut(text.lower() if settings.lower else text))
        if not steps:
            left["are empty"] += 1
        elif settings.longest is not None and len(steps) > settings.longest:
            left[f"have more than {settings.longest:,} steps"] += 1
        else:
            left["repeat another text"] += label in labels[steps]
            labels[steps].add(label)
    left["are met under several labels"] = sum(len(several) > 1 for several in labels.values())
    reasons = [f"{count:,} {why}" for why, count in left.items() if count]
    if reasons:
        names = ", ".join(Path(file).name for file in _paths(files))
        notes.append(f"of {met:,} texts in {names}, left out: {'; '.join(reasons)}")
    return {steps: next(iter(one)) for steps, one in labels.items() if len(one) == 1}


def _rows(files: Files, settings: LabelledText, folder: Path | None) -> Iterator[tuple[str, str]]:
    """Text and label of every row of the tables, or of every line of the files of each label."""
    if isinstance(files, dict):
        for label, names in files.items():
            for name in names:
                text = decode(find(name, settings._beside, folder), settings.encoding)
                yield from ((line, label) for line in text.removesuffix("\n").split("\n"))
        return
    for name in files:
        path = find(name, settings._beside, folder)
        yield from _table(path, decode(path, settings.encoding), settings)


def _paths(files: Files) -> list[str]:
    return files if isinstance(files, list) else [name for names in files.values() for name in names]


def _table(path: Path, text: str, settings: LabelledText) -> Iterator[tuple[str, str]]:
    rows = _split_rows(path, text, settings.separator)
    names = isinstance(settings.label_column, str)
    line, first = next(rows, (0, []))
    columns = [name.strip() for name in first] if names else range(1, len(first) + 1)
    at = [_column(path, getattr(settings, key), columns, key) for key in ("text_column", "label_column")]
    if not names:
        rows = iter([(line, first), *rows])
    for line, row in rows:
        if len(row) != len(first):
            raise CorpusError(
                f"{path}, line {line:,} has {_columns(len(row))}, and its first line has {len(first)}. Every line "
                f"needs the same, with a {settings.separator} between them (corpus.separator)."
            )
        label = row[at[1]].strip()
        if not label:
            raise CorpusError(f"{path}, line {line:,} has no label in column {settings.label_column}. Write one there.")
        yield row[at[0]], label


def _split_rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line number, from 1, and columns of every line that is not blank.

    Lines end at line feeds alone: other marks that Unicode counts as line ends (U+0085, say) stand inside of texts.
    """
    if separator == "tab":
        yield from ((n, line.split("\t")) for n, line in enumerate(text.split("\n"), 1) if line.strip())
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=SEPARATORS[separator], strict=True)
    try:
        yield from ((reader.line_num, row) for row in reader if any(map(str.strip, row)))
    except csv.Error as error:
        raise CorpusError(
            f"{path}, line {reader.line_num:,} is no line of a table with a {separator} between columns: {error}. A "
            'text with quotes in it is written in quotes, and those inside of it doubled: "she said ""no""".'
        ) from error


def _column(path: Path, wanted: int | str, columns: Sequence[str] | range, key: str) -> int:
    """Where the column is, from 0."""
    if wanted in columns:
        return list(columns).index(wanted)
    if isinstance(wanted, str):
        known = nearest(wanted, [str(name) for name in columns], "its first line names")
        raise CorpusError(f"{path} has no column {wanted!r} (corpus.{key}); {known}")
    raise CorpusError(
        f"{path} has {_columns(len(columns))} in its first line, and corpus.{key} is {wanted}. Is what stands between "
        "the columns what corpus.separator says?"
    )


def _columns(count: int) -> str:
    return f"{count} column{'' if count == 1 else 's'}"


def _keep_apart(whole: Texts, own: dict[str, Texts], notes: list[str]) -> None:
    """Take out of `whole`, and of the validation texts, what is met in a split that comes later."""
    later = [("validation", own.get("validation", {})), ("test", own.get("test", {}))]
    for name, texts, others in (("validation_files", later[0][1], later[1:]), ("files", whole, later)):
        for split, other in others:
            both = texts.keys() & other.keys()
            for text in both:
                del texts[text]
            if both:
                notes.append(f"{len(both):,} texts of {name} are met in {split}_files too, and used only there")


def _draw_by_label(whole: Texts, settings: LabelledText) -> dict[str, list[tuple[str, ...]]]:
    """The texts of each label in random order, at most `most_texts` of them."""
    drawn = defaultdict(list)
    texts = list(whole)
    for at in np.random.default_rng(settings.seed).permutation(len(texts)):
        drawn[whole[texts[at]]].append(texts[at])
    for label, most in (settings.most_texts or {}).items():
        if label not in drawn:
            known = nearest(label, sorted(drawn), "the labels are")
            raise CorpusError(f"corpus.most_texts names the label {label!r}, which no text has; {known}")
        drawn[label] = drawn[label][:most]
    return dict(drawn)


def _divide(drawn: dict[str, list[tuple[str, ...]]], own: dict[str, Texts], settings: LabelledText) -> dict[str, Texts]:
    """Train, validation and test: each label cut by the shares, a text of it at least in each, then mixed."""
    shares = {split: 0.0 if split in own else getattr(settings.shares, split) for split in ("validation", "test")}
    shares = {"train": settings.shares.train, **{split: share for split, share in shares.items() if share > 0}}
    total, rng = sum(shares.values()), np.random.default_rng([settings.seed, 1])
    parts: dict[str, list] = {split: [] for split in shares}
    for label, texts in sorted(drawn.items()):
        if len(texts) < len(shares):
            raise CorpusError(
                f"There are {len(texts):,} texts of the label {label!r}, too few to be divided into "
                f"{', '.join(shares)}. Use more texts, or set the shares of validation and test to 0."
            )
        begin, wanted = 0, 0.0
        for left, (split, share) in zip(range(len(shares) - 1, -1, -1), shares.items(), strict=True):
            wanted += share / total * len(texts)
            end = min(max(round(wanted), begin + 1), len(texts) - left)
            parts[split] += [(text, label) for text in texts[begin:end]]
            begin = end
    mixed = {split: dict(part[i] for i in rng.permutation(len(part))) for split, part in parts.items()}
    return {split: part for split in ("train", "validation", "test") if (part := {**mixed, **own}.get(split))}


def _raw_text(texts: Texts, level: str) -> RawText:
    lengths = [len(steps) for steps in texts]
    starts = np.zeros(sum(lengths), bool)
    starts[np.cumsum([0, *lengths[:-1]])] = True
    words = [word for steps in texts for word in steps]
    labels = np.repeat(np.array(list(texts.values())), lengths)
    return RawText("".join(words) if level == "character" else words, starts, {"label": labels})


def oversampled(split: Split, labels: int, seed: int) -> Split:
    """The split with texts of rarer labels repeated behind it, until every label has as many texts as the commonest.

    All texts of a label are repeated equally often, but for a rest that is drawn at random.
    """
    assert split.labels is not None
    rng = np.random.default_rng([seed, 2])
    counts = np.bincount(split.labels, minlength=labels)
    chosen = [np.arange(len(split.labels))]
    for label in np.flatnonzero(counts):
        texts, missing = np.flatnonzero(split.labels == label), counts.max() - counts[label]
        chosen += [np.tile(texts, missing // len(texts)), rng.permutation(texts)[: missing % len(texts)]]
    order = np.concatenate([chosen[0], rng.permutation(np.concatenate(chosen[1:]))])
    begins, lengths = np.flatnonzero(split.sequence_starts)[order], split.lengths[order]
    ends = np.cumsum(lengths)
    steps = np.repeat(begins - (ends - lengths), lengths) + np.arange(ends[-1])
    tracks = {name: values[steps] for name, values in split.tracks.items()}
    return Split(
        split.word_ids[steps], split.sequence_starts[steps], tracks, split.track_sources, labels=split.labels[order]
    )


def _counted(part: Texts) -> str:
    counts = Counter(part.values())
    return f"{len(part):,} texts, " + ", ".join(f"{counts[label]:,} {label}" for label in sorted(counts))


def _summary_of_omissions(notes: list[str]) -> str:
    return f"({'; '.join(notes)}.)" if notes else ""
