"""How are the values of states and gates distributed, and which units are saturated or still?"""

from pages.parts.distributions.address import View
from pages.parts.distributions.panel import draw
from pages.parts.shared.current import current_model, current_state
from pages.parts.shared.frame import show

show(lambda: draw(View.of_page(model=current_model(), state=current_state())))
