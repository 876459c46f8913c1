"""A scenario of the shop: how many customers, over how long, and how much fraud of which kind."""

from dataclasses import dataclass
from datetime import datetime

from producer.errors import ProducerError


class ShopError(ProducerError):
    """A shop scenario asks for what cannot be made; the message names the setting."""


@dataclass(frozen=True, slots=True)
class ShopScenario:
    """Settings of one simulated shop; the same settings give the same bytes."""

    customers: int = 5_000
    days: int = 2
    products: int = 1_200
    seed: int = 4
    starts_at: str = "2024-01-01"
    visits_per_day: float = 0.6
    """Mean visits of a customer per day."""
    card_testing_campaigns: int = 4
    attempts_per_campaign: int = 40
    promo_households: int = 5
    accounts_per_household: int = 10
    takeovers: int = 40

    def __post_init__(self) -> None:
        for name in ("customers", "days", "products"):
            if getattr(self, name) < 1:
                raise ShopError(f"{name} is {getattr(self, name)}: expected at least 1")
        taken = self.promo_households * self.accounts_per_household + self.takeovers + self.card_testing_campaigns
        if taken * 2 > self.customers:
            raise ShopError(f"{taken} accounts are fraudsters or victims: expected at least {taken * 2} customers")
        try:
            datetime.fromisoformat(self.starts_at)
        except ValueError:
            raise ShopError(f"starts_at is {self.starts_at!r}: expected a date such as 2024-01-01") from None

    @property
    def start_ms(self) -> int:
        """The first instant, epoch milliseconds; times of the shop are UTC."""
        return int(datetime.fromisoformat(f"{self.starts_at}T00:00:00+00:00").timestamp() * 1000)
