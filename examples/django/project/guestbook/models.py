"""What visitors leave."""
from django.db import models


class Entry(models.Model):
    name = models.CharField(max_length=40)
    written = models.DateTimeField(auto_now_add=True)
