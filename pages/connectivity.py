"""What does this prediction depend on?

Text whose earlier characters or words are shaded by how strongly the prediction at the one under the pointer depends on
them, for one model or several. The text is one's own or the recording's. Everything shown is in the address.
"""

from pages.parts.connectivity.address import View
from pages.parts.connectivity.panel import draw
from pages.parts.shared.current import chosen_model, current_model, current_store
from pages.parts.shared.frame import show
from rnnstore.networks import has_network


def page() -> None:
    """The page of the sidebar's model, which need not be recorded where it has its network."""
    model = chosen_model()
    draw(View.of_page(model=model if has_network(model) else current_model(), store_models=current_store().models))


show(page)
