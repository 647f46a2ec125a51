"""One page: GET shows the book, POST adds a name to it."""
from django import forms
from django.shortcuts import redirect, render

from guestbook.models import Entry


class EntryForm(forms.ModelForm):
    class Meta:
        model = Entry
        fields = ["name"]


def book(request):
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("book")
    return render(request, "book.html", {"form": form, "entries": Entry.objects.order_by("id")}, status=400 if form.errors else 200)
