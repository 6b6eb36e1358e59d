"""Starting bots: from their form, and again like an earlier run with other parameters."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from runner.cases.run_requests import ask_run
from runner.core.clock import now
from runner.core.errors import ConfigurationError, ErrorReport, UsageError
from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.bots.run_form import RunForm
from runner.desk.bots.views import process_of_bot
from runner.store.models import Bot, Run

FORM_AND_ACT = ("GET", *ACT)


@page("runs.start", FORM_AND_ACT, process_of=process_of_bot, see="bots.see")
def start(request: DeskRequest, name: str) -> HttpResponseBase:
    """The form of a bot; sent, it starts a run and leads to it. ``?like=RUN`` begins with the parameters of that run."""
    bot = Bot.objects.filter(pk=name).first()
    if bot is None:
        raise Http404(name)
    asked = request.POST.get("like") if request.method == "POST" else request.GET.get("like")
    like = Run.objects.filter(pk=asked, bot=name).first() if asked else None
    if request.method != "POST":
        return render(
            request, "bots/start.html", {"bot": bot, "told": bot.description, "form": RunForm(bot, like=like)}
        )
    form = RunForm(bot, request.POST, request.FILES, like=like)
    wish = form.wish()
    if wish is not None:
        try:
            run = ask_run(wish, by=request.person.username, at=now())
        except (ErrorReport, ConfigurationError, UsageError) as error:
            form.refuse(error)
        else:
            messages.success(request, _("The run is queued. It starts as soon as a worker is free."))
            return redirect("runs:run", run)
    context = {"bot": bot, "told": bot.description, "form": form, "wrong": True}
    return render(request, "bots/start.html", context, status=422)
