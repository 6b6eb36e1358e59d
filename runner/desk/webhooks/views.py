"""Webhooks: who is told what, tried out and looked after; a secret is shown once, in the answer to the act that made it."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runner.cases import webhooks as acts
from runner.cases.webhook_addresses import allow_list
from runner.core.clock import now
from runner.core.errors import ConflictError, ErrorReport, RunnerError, UsageError
from runner.core.nouns import Event
from runner.desk import lists
from runner.desk.access import ACT, back, page
from runner.desk.asking import DeskRequest
from runner.desk.errors.telling import line_of
from runner.desk.outside import place
from runner.desk.people.confirm import reauthenticated
from runner.desk.words import choices
from runner.store.models import Bot, Delivery, Process, Webhook

MESSAGES: Final = lists.ListOf(
    "messages",
    (
        lists.Col("event", gettext_lazy("What"), "", "what", lambda one: one.event),
        lists.Col("status", gettext_lazy("State"), "", "", lambda one: one.status),
        lists.Col("tries", gettext_lazy("Attempts"), "", "num opt", lambda one: one.attempts),
        lists.Col("made", gettext_lazy("Time"), "made", "opt", lambda one: one.made),
        lists.Col("act", gettext_lazy("Act"), "", "num"),
    ),
    (
        lists.field_filter("status", gettext_lazy("State"), "status", lambda: choices("message")),
        lists.field_filter("event", gettext_lazy("What"), "event", lambda: choices("event")),
    ),
    usual="-made",
)
_EVENTS: Final = tuple(str(one) for one in Event if one is not Event.TEST)


class WebhookForm(forms.Form):
    """Where messages go, what for, and of which processes."""

    label = forms.CharField(label=gettext_lazy("Who is told?"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))  # fmt: skip
    url = forms.CharField(
        label=gettext_lazy("Address"), max_length=1000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
    )  # fmt: skip
    events = forms.MultipleChoiceField(label=gettext_lazy("Told when"), widget=forms.CheckboxSelectMultiple)
    processes = forms.MultipleChoiceField(
        label=gettext_lazy("Only of these processes"), widget=forms.CheckboxSelectMultiple, required=False,
        help_text=gettext_lazy("None chosen: of all."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, webhook: Webhook | None = None) -> None:
        start: dict[str, Any] = {"events": list(_EVENTS)}
        if webhook is not None:
            start = {name: getattr(webhook, name) for name in ("label", "url", "events", "processes")}
        super().__init__(data, label_suffix="", initial=start)
        words = dict(choices("event"))
        self.fields["events"] = _boxes(self.fields["events"], [(one, words[one]) for one in _EVENTS])
        known = {*_processes(), *start.get("processes", ())}
        if known:
            self.fields["processes"] = _boxes(self.fields["processes"], [(one, one) for one in sorted(known)])
        else:
            del self.fields["processes"]

    def wanted(self) -> acts.Wanted:
        """What was filled in; call it when the form `is_valid`."""
        given = self.cleaned_data
        return acts.Wanted(given["label"], given["url"], given["events"], given.get("processes", ()))

    def refuse(self, report: ErrorReport) -> None:
        """Show each error at its field, in the language of the page as far as it is known."""
        for error in report.errors:
            self.add_error(error.where if error.where in self.fields else None, _in_words(error))


@page("webhooks.edit")
def webhooks(request: DeskRequest) -> HttpResponse:
    """Everybody who is told, and the form to add somebody."""
    return _list(request, WebhookForm())


@page("webhooks.edit", ACT)
@reauthenticated()
def add(request: DeskRequest) -> HttpResponse:
    """Tell an address from now on; its secret stands in this answer."""
    form = WebhookForm(request.POST)
    if form.is_valid():
        here = place().settings
        try:
            made, secret = acts.subscribe(
                form.wanted(), here.home, allow_list(here.webhook_allow), by=request.person.username, at=now()
            )
        except ErrorReport as report:
            form.refuse(report)
        else:
            return _one(request, made, secret=secret)
    return _list(request, form, 422)


@page("webhooks.edit")
def webhook(request: DeskRequest, number: int) -> HttpResponse:
    """One subscription: its settings, and its messages."""
    found = _found(number)
    if lists.wants_export(request):
        return lists.export(request, MESSAGES, Delivery.objects.filter(webhook=found))
    return _one(request, found)


@page("webhooks.edit", ACT)
@reauthenticated()
def change(request: DeskRequest, number: int) -> HttpResponse:
    """Another address, name or choice."""
    found = _found(number)
    form = WebhookForm(request.POST, webhook=found)
    if form.is_valid():
        allowed = allow_list(place().settings.webhook_allow)
        try:
            acts.change(number, form.wanted(), allowed, by=request.person.username, at=now())
        except ErrorReport as report:
            form.refuse(report)
        else:
            messages.success(request, _("Saved."))
            return redirect("webhooks:webhook", number)
    return _one(request, found, form=form, status=422)


@page("webhooks.edit", ACT)
def test(request: DeskRequest, number: int) -> HttpResponse:
    """Put a test message on its way."""
    _found(number)
    try:
        acts.send_test(number, by=request.person.username, at=now())
    except ConflictError:
        messages.warning(request, _("It is switched off: nothing is sent."))
    else:
        messages.success(request, _("A test is on its way. What came of it stands here in a few seconds."))
    return redirect("webhooks:webhook", number)


@page("webhooks.edit", ACT)
def switch(request: DeskRequest, number: int) -> HttpResponse:
    """On or off."""
    _found(number)
    on = request.POST.get("on") == "yes"
    try:
        acts.switch(number, on=on, by=request.person.username, at=now())
    except ConflictError:
        messages.warning(request, _("Somebody has done that already."))
    else:
        messages.success(request, _("It is told from now on.") if on else _("It is told nothing any more."))
    return redirect("webhooks:webhook", number)


@page("webhooks.edit", ACT)
@reauthenticated()
def secret(request: DeskRequest, number: int) -> HttpResponse:
    """A new secret, in this answer; the old one ends at once."""
    found = _found(number)
    text = acts.new_secret(number, place().settings.home, by=request.person.username, at=now())
    return _one(request, found, secret=text)


@page("webhooks.edit", ACT)
@reauthenticated()
def remove(request: DeskRequest, number: int) -> HttpResponse:
    """End a subscription."""
    _found(number)
    acts.unsubscribe(number, by=request.person.username, at=now())
    messages.success(request, _("It is removed."))
    return redirect("webhooks:list")


@page("webhooks.edit", ACT)
def again(request: DeskRequest, message: str) -> HttpResponse:
    """Try a message that was given up once more."""
    try:
        acts.send_again(message, by=request.person.username, at=now())
    except ConflictError:
        messages.warning(request, _("It is on its way already, or it arrived."))
    else:
        messages.success(request, _("It is on its way again."))
    return back(request, "/webhooks/")


def _boxes(field: forms.Field, offered: list[tuple[str, str]]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=field.label, widget=forms.CheckboxSelectMultiple, choices=offered, required=field.required,
        help_text=field.help_text,
    )  # fmt: skip


def _processes() -> set[str]:
    """The processes that bots work for, and those that schedules.yaml names."""
    of_bots = set(Bot.objects.exclude(process="").values_list("process", flat=True))
    return of_bots | set(Process.objects.values_list("pk", flat=True))


def _found(number: int) -> Webhook:
    try:
        return acts.webhook_of(number)
    except UsageError as error:
        raise Http404 from error


def _list(request: DeskRequest, form: WebhookForm, status: int = 200) -> HttpResponse:
    rows = list(acts.counted_webhooks())
    context = {"rows": rows, "form": form, "nobody_sends": acts.nobody_sends(now())}
    return render(request, "webhooks/list.html", context, status=status)


def _one(
    request: DeskRequest,
    found: Webhook,
    *,
    form: WebhookForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    counted = acts.counted_webhooks().get(pk=found.pk)
    context = {
        "one": counted,
        "form": form or WebhookForm(webhook=found),
        "wrong": form is not None,
        "secret": secret,
        "shown": lists.show(request, MESSAGES, Delivery.objects.filter(webhook=found)),
        "nobody_sends": acts.nobody_sends(now()),
    }
    answer = render(request, "webhooks/one.html", context, status=status)
    if secret:
        answer["Cache-Control"] = "no-store"
    return answer


def _in_words(error: RunnerError) -> str:
    if error.stable_code != "API_URL":
        return line_of(error)
    if "address not allowed" in error.what:
        return _("Address not allowed: it is inside a network, or reserved. To send there all the same, put it on the allow-list: the setting webhook_allow.")  # fmt: skip
    if "as they are" in error.what:
        return _("It must begin with https:// so that nobody can read along.")
    if "stands for no address" in error.what:
        return _("This name can't be looked up.")
    return _("This must be an address such as https://example.com/runner, without a user name.")
