"""A reply is understood when it is clear, and left to a person when it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.reading import OTHER, Question, Reading, read
from portal.messages.models import Meaning

QUESTIONS = [None, Question.PERMIT, Question.REVISIT]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "text",
    ["T", "t", "Ｔ", "TD", "td。", "R", " 退订 ", "退订！", "请退订，谢谢", "我要退订", "STOP", "Stop.", "unsubscribe",
     "取消", "拒收", "【退订】", "退订🙏", "不要再发了"],
)  # fmt: skip
def test_stop_is_stop_whatever_was_asked(text: str, question: Question | None) -> None:
    assert read(text, question).meaning is Meaning.STOP


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("text", ["恢复", "START", "请恢复提醒", "unstop"])
def test_start_is_start_whatever_was_asked(text: str, question: Question | None) -> None:
    assert read(text, question).meaning is Meaning.START


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "text",
    ["N", "不要退订", "怎么退订后恢复", "tomorrow", "好的", "收到", "", "   ", "👍", "……", "6", "0", "10", "123",
     "4 or 5", "4-5", "5.5", "5天前就办了", "1月再办", "3号去", "2 pm", "5分钟后", "½", "٥", "1/2",
     "\x00", "\ud83d", "a" * 5000],
)  # fmt: skip
def test_what_is_unclear_is_left_to_a_person(text: str, question: Question | None) -> None:
    assert read(text, question) == OTHER


@pytest.mark.parametrize(
    ("text", "grade"),
    [("5", 5), ("５", 5), ("⑤", 5), ("5️⃣", 5), ("5分", 5), ("五", 5), ("五星", 5), ("5 very good", 5), ("5非常满意", 5),
     ("非常满意", 5), ("非常满意！谢谢", 5), ("Very satisfied", 5), ("满意", 4), ("4,服务很好", 4), ("3.", 3),
     ("基本满意", 3), ("我选2", 2), ("不满意", 2), ("1", 1), ("1 太差了", 1), ("非常不满意", 1), ("(1)", 1),
     ("回复1", 1), ("1\n态度不好", 1), ("5 stars", 5)],
)  # fmt: skip
def test_a_grade_in_many_spellings(text: str, grade: int) -> None:
    reading = read(text, Question.REVISIT)
    assert (reading.meaning, reading.grade) == (Meaning.GRADE, grade)


def test_what_was_said_with_a_grade_is_kept_whole() -> None:
    assert read(" 1，态度差！ ", Question.REVISIT).remark == "1，态度差！"
    assert [read(text, Question.REVISIT).remark for text in ("1", "５分", "非常满意")] == ["", "", ""]


@pytest.mark.parametrize("text", ["1 非常满意", "5非常不满意", "5 very bad", "1 very satisfied", "请回电"])
def test_a_grade_that_contradicts_itself_is_left_to_a_person(text: str) -> None:
    assert read(text, Question.REVISIT) == OTHER


@pytest.mark.parametrize("text", ["1", "１", "1 已办", "已办理", "Done", "1.", "1，已经办了，谢谢", "办好了"])
def test_done(text: str) -> None:
    assert read(text, Question.PERMIT) == Reading(Meaning.DONE)


@pytest.mark.parametrize("text", ["2", "2 请回电", "请回电话", "call me", "Please call me back", "②"])
def test_call_me(text: str) -> None:
    assert read(text, Question.PERMIT) == Reading(Meaning.CALL)


@pytest.mark.parametrize("text", ["3", "5", "1 call me", "2 已办", "1 还没办", "满意"])
def test_other_answers_to_a_reminder_are_left_to_a_person(text: str) -> None:
    assert read(text, Question.PERMIT) == OTHER


def test_the_question_decides_what_one_means() -> None:
    assert read("1", Question.PERMIT).meaning is Meaning.DONE
    assert read("1", Question.REVISIT) == Reading(Meaning.GRADE, 1)
    assert read("1", None) == OTHER


@given(text=st.text(), question=st.sampled_from(QUESTIONS))
def test_nothing_typed_ever_fails(text: str, question: Question | None) -> None:
    reading = read(text, question)
    assert (reading.grade is not None) == (reading.meaning is Meaning.GRADE)
    assert reading.grade in (None, 1, 2, 3, 4, 5)
