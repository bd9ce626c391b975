"""Shapes of what lies beside a task, over HTTP."""

from typing import Any

from rest_framework import serializers

from marketplace.desk.data import ACCEPTED, QUESTION_CHARS
from marketplace.models import TaskAttachment, TaskQuestion


class AttachmentSerializer(serializers.ModelSerializer[TaskAttachment]):
    class Meta:
        model = TaskAttachment
        fields = ["id", "name", "media_type", "size_bytes", "sha256", "added_at"]


class AttachSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(help_text=f"{ACCEPTED}, 10 MB at most; its type is judged by what it holds.")


class AskerSerializer(serializers.Serializer[Any]):
    firm = serializers.UUIDField(source="firm_id")
    firm_name = serializers.CharField()


class QuestionSerializer(serializers.ModelSerializer[TaskQuestion]):
    """`asked_by` is for the owner and the firm itself; others don't learn who asked."""

    asked_by = AskerSerializer(allow_null=True)

    class Meta:
        model = TaskQuestion
        fields = ["id", "text", "asked_at", "asked_by", "answer", "answered_at"]


class WordsSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=QUESTION_CHARS)


class OcdsSerializer(serializers.Serializer[Any]):
    """A release package of the Open Contracting Data Standard 1.1."""

    uri = serializers.URLField()
    version = serializers.CharField()
    publishedDate = serializers.DateTimeField()
    publisher = serializers.DictField()
    releases = serializers.ListField(child=serializers.DictField())
    links = serializers.DictField(required=False)


class ReleasesSerializer(serializers.Serializer[Any]):
    before = serializers.UUIDField(required=False, help_text="Only tasks that are older than this one.")
