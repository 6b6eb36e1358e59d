"""One's own profile: name, language, time zone, theme, password, where one is signed in, keys for programs."""

from __future__ import annotations

import zoneinfo

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _

from runner.desk.access import ACT, page
from runner.desk.asking import DeskRequest
from runner.desk.people.acts import change_password, end_sign_in
from runner.desk.people.confirm import reauthenticated
from runner.desk.people.forms import PasswordForm, ProfileForm, TokenForm
from runner.desk.people.models import ApiToken, SignIn
from runner.desk.people.tokens import make_token, revoke_token
from runner.desk.roles import SIGNED_IN


@page(SIGNED_IN, ("GET", "POST"))
def me(request: DeskRequest) -> HttpResponse:
    """The profile, and saving it."""
    form = ProfileForm(request.POST or None, person=request.person)
    if request.method == "POST" and form.is_valid():
        person = form.save()
        with translation.override(person.language or translation.get_language()):
            messages.success(request, _("Saved."))
        return redirect("/me/")
    return _shown(request, form, PasswordForm(person=request.person), 422 if form.is_bound else 200)


@page(SIGNED_IN, ACT)
@reauthenticated(keep=False)
def password(request: DeskRequest) -> HttpResponse:
    """A new password. It ends all other sign-ins."""
    form = PasswordForm(request.POST, person=request.person)
    if not form.is_valid():
        return _shown(request, ProfileForm(person=request.person), form, 422)
    here = request.sign_in.session if request.sign_in else ""
    change_password(request.person, form.cleaned_data["password"], by=request.person.username, keep=here)
    from django.contrib.auth import update_session_auth_hash

    update_session_auth_hash(request, request.person)
    if request.sign_in:  # the session has a new key now
        SignIn.objects.filter(session=here).update(session=request.session.session_key)
    messages.success(request, _("The password is changed. All other sign-ins have ended."))
    return redirect("/me/")


@page(SIGNED_IN, ACT)
def end_session(request: DeskRequest, number: int) -> HttpResponse:
    """End one of one's own sign-ins."""
    found = request.person.sign_ins.filter(pk=number).first()
    if found is None:
        raise Http404
    end_sign_in(found, request.person.username)
    messages.success(request, _("That sign-in has ended."))
    return redirect("/me/")


@page(SIGNED_IN, ACT)
@reauthenticated()
def new_token(request: DeskRequest) -> HttpResponse:
    """A key for a program; it is shown in this answer and never again."""
    form = TokenForm(request.POST, access=request.access)
    if not form.is_valid():
        return _shown(
            request, ProfileForm(person=request.person), PasswordForm(person=request.person), 422, form
        )
    given = form.cleaned_data
    text = make_token(request.person, given["name"], given["scopes"], int(given["days"]) or None)
    return _shown(
        request,
        ProfileForm(person=request.person),
        PasswordForm(person=request.person),
        200,
        new_token=text,
    )


@page(SIGNED_IN, ACT)
def end_token(request: DeskRequest, number: int) -> HttpResponse:
    """Revoke one of one's own keys."""
    found = ApiToken.objects.filter(person=request.person, pk=number).first()
    if found is None:
        raise Http404
    revoke_token(found, request.person.username)
    messages.success(request, _("The key no longer works."))
    return redirect("/me/")


def _shown(
    request: DeskRequest,
    profile: ProfileForm,
    passwords: PasswordForm,
    status: int,
    token: TokenForm | None = None,
    *,
    new_token: str = "",
) -> HttpResponse:
    context = {
        "profile": profile,
        "passwords": passwords,
        "token_form": token or TokenForm(access=request.access),
        "tokens": request.person.tokens.filter(revoked=None),
        "sign_ins": request.person.sign_ins.all(),
        "here": request.sign_in,
        "zones": sorted(zoneinfo.available_timezones()),
        "new_token": new_token,
    }
    answer = render(request, "people/me.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
