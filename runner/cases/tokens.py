"""Acts by their tokens: the names under which they were sent, so that what comes twice is done once."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q, QuerySet

from runner.store.models import Act


def acts_sent_as(tokens: Collection[str]) -> QuerySet[Act]:
    """The acts under these tokens, none of which is empty; found along the index of tokens, however many acts there are."""
    # The index leaves out the empty token. SQLite takes it only where a query says so in the words of its condition.
    return Act.objects.filter(~Q(token=""), token__in=list(tokens))
