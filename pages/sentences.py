"""How did the state move through this sentence?

A glyph a word: what each group of units holds after it, what the word changed, how much of the past it preserved, and
what the model expects next. Sentences are typed, or taken from the recording. Everything shown is in the address.
"""

from pages.parts.sentences.panel import draw
from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.frame import show

show(lambda: draw(current_model(), current_state()))
