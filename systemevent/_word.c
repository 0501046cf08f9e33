/* The extension type around systemevent.h: arguments, the GIL, signals, errors. The protocol, and
 * the reasons for it, are in systemevent.h.
 *
 * Word is the base class of systemevent.SystemEvent, so that the methods that cost nanoseconds are
 * called without a Python frame in between.
 */
#include <pyconfig.h>
#ifndef Py_GIL_DISABLED /* free-threaded interpreters have no stable ABI yet */
#define Py_LIMITED_API 0x030A0000
#endif
#include <Python.h>

#include "systemevent_multi.h"

typedef struct {
    PyObject_HEAD
    systemevent_t event;
    unsigned long long device, inode;
    /* How many calls are using the mapping, and whether new ones may begin. The mapping goes when
     * CLOSED is set and the last call has left: close() never unmaps under a thread that waits. */
    unsigned calls;
} Word;

/* Not Py_RETURN_NONE: built with the headers of Python 3.12 or 3.13 (until gh-134989 was mended), it
 * counts no reference, whichever stable ABI is asked for, and 3.11 would run out of them. */
static PyObject *none(void) {
    Py_IncRef(Py_None);
    return Py_None;
}

#define CLOSED 0x80000000u
#define BUSY 0x40000000u /* with CLOSED: one thread maps, in __init__, or unmaps */

/* calls = to, if it is *from; else *from = calls. */
static bool move(Word *self, unsigned *from, unsigned to) {
#ifdef Py_GIL_DISABLED
    return __atomic_compare_exchange_n(&self->calls, from, to, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
#else
    if (self->calls != *from) { /* the GIL makes the two steps one */
        *from = self->calls;
        return false;
    }
    self->calls = to;
    return true;
#endif
}

/* Is the event kept on a server? Then its class says so, and has methods of its own. */
static bool is_remote(PyObject *self) {
    return PyObject_HasAttrString((PyObject *)Py_TYPE(self), "_on_server");
}

static bool enter(Word *self) {
    unsigned calls = 0;
    do {
        if (calls & CLOSED) {
            if (is_remote((PyObject *)self)) /* without %R, which would ask the server */
                PyErr_SetString(PyExc_ValueError, "operation on an event that is on a server");
            else
                PyErr_Format(PyExc_ValueError, "operation on a closed event: %R", (PyObject *)self);
            return false;
        }
    } while (!move(self, &calls, calls + 1));
    return true;
}

/* What calls becomes without one of them; of the last one of a closed event, who has to unmap(). */
static unsigned without(unsigned calls, unsigned one) {
    return calls - one == CLOSED ? CLOSED | BUSY : calls - one;
}

/* Nobody is inside, and until this is done nobody else maps. */
static void unmap(Word *self) {
    systemevent_close(&self->event);
    unsigned calls = CLOSED | BUSY;
    move(self, &calls, CLOSED);
}

static void leave(Word *self) {
    unsigned calls = 1;
    while (!move(self, &calls, without(calls, 1))) {
    }
    if (without(calls, 1) == (CLOSED | BUSY)) unmap(self);
}

/* enter() has failed. SystemEvent.set(event), as in map(SystemEvent.set, events), means the method
 * of an event's own class, if the event is on a server. */
static PyObject *elsewhere(PyObject *self, const char *method, PyObject *argument) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback); /* looking for an attribute would lose it */
    if (!is_remote(self)) {
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    Py_XDECREF(type), Py_XDECREF(value), Py_XDECREF(traceback);
    /* Not the method of its own class, which may have called us. */
    PyObject *class = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "_on_server");
    PyObject *function = class ? PyObject_GetAttrString(class, method) : NULL;
    PyObject *result =
        function ? PyObject_CallFunctionObjArgs(function, self, argument, NULL) : NULL;
    Py_XDECREF(class), Py_XDECREF(function);
    return result;
}

/* OSError (or the subclass that errno asks for) with the event in the message. */
static PyObject *os_error(Word *self, const char *what) {
    int error = errno;
    PyObject *message = PyUnicode_FromFormat("%s: %s: %R", what, strerror(error), (PyObject *)self);
    if (!message) return NULL;
    PyObject *exception = PyObject_CallFunction(PyExc_OSError, "iN", error, message);
    if (!exception) return NULL;
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
    return NULL;
}

/* ---- set, clear, is_set ---------------------------------------------------------------------- */

PyDoc_STRVAR(set_doc,
"set($self, /)\n--\n\n"
"Set the event: every waiting thread of every process is released, and no\n"
"wait() blocks until clear() is called. As threading.Event.set().\n\n"
"Raises ValueError if the event is closed, OSError if the kernel refuses.");

static PyObject *word_set(PyObject *object, PyObject *unused) {
    (void)unused;
    Word *self = (Word *)object;
    if (!enter(self)) return elsewhere(object, "set", NULL);
    int failed = systemevent_set(&self->event);
    PyObject *result = failed ? os_error(self, "cannot set the event") : none();
    leave(self);
    return result;
}

PyDoc_STRVAR(clear_doc,
"clear($self, /)\n--\n\n"
"Clear the event: wait() blocks again, in every process. As threading.Event.clear().\n\n"
"Raises ValueError if the event is closed.");

static PyObject *word_clear(PyObject *object, PyObject *unused) {
    (void)unused;
    Word *self = (Word *)object;
    if (!enter(self)) return elsewhere(object, "clear", NULL);
    systemevent_clear(&self->event);
    leave(self);
    return none();
}

PyDoc_STRVAR(is_set_doc,
"is_set($self, /)\n--\n\n"
"Return True if the event is set, False if it is clear. As threading.Event.is_set().\n\n"
"Raises ValueError if the event is closed.");

static PyObject *word_is_set(PyObject *object, PyObject *unused) {
    (void)unused;
    Word *self = (Word *)object;
    if (!enter(self)) return elsewhere(object, "is_set", NULL);
    bool is_set = systemevent_is_set(&self->event);
    leave(self);
    return PyBool_FromLong(is_set);
}

/* ---- wait ------------------------------------------------------------------------------------ */

#define SECOND 1000000000LL /* nanoseconds */

/* Nanoseconds of a timeout as threading.Event reads it: 0 if it is not positive (or NaN), -1 with
 * an exception if it is of a wrong type or too large. Rounded up: a wait never ends early. */
static long long nanoseconds(PyObject *timeout) {
    double seconds = 0;
    if (PyFloat_Check(timeout)) {
        seconds = PyFloat_AsDouble(timeout);
        if (!(seconds > 0)) return 0;
        double exact = seconds * 1e9;
        if (exact < 9223372036854775808.0) { /* 2**63 */
            long long rounded = (long long)exact;
            return rounded + (rounded < exact);
        }
    } else {
        PyObject *zero = PyLong_FromLong(0);
        if (!zero) return -1;
        int positive = PyObject_RichCompareBool(timeout, zero, Py_GT);
        Py_DECREF(zero);
        if (positive <= 0) return positive;
        long long whole = PyLong_AsLongLong(timeout);
        if (whole == -1 && PyErr_Occurred()) {
            if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return -1;
            PyErr_Clear();
        } else if (whole <= INT64_MAX / SECOND) {
            return whole > 0 ? whole * SECOND : 0;
        }
    }
    PyErr_SetString(PyExc_OverflowError, "timeout value is too large");
    return -1;
}

static struct timespec deadline_after(long long timeout) {
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)(timeout / SECOND);
    deadline.tv_nsec += (long)(timeout % SECOND);
    if (deadline.tv_nsec >= SECOND) {
        deadline.tv_sec++;
        deadline.tv_nsec -= (long)SECOND;
    }
    return deadline;
}

/* Called with the GIL (before the first sleep: *saved is NULL) or without it (after a signal): let
 * Python's handlers run, and give the GIL away for the sleep. Not 0: a handler raised. */
static int run_signal_handlers(void *argument) {
    PyThreadState **saved = (PyThreadState **)argument;
    if (*saved) PyEval_RestoreThread(*saved);
    *saved = NULL;
    if (PyErr_CheckSignals()) return -1;
    *saved = PyEval_SaveThread();
    return 0;
}

PyDoc_STRVAR(wait_doc,
"wait($self, /, timeout=None)\n--\n\n"
"Block until the event is set, and return True; at once if it is set already.\n\n"
"timeout: seconds, int or float. When they have passed and the event was not\n"
"set meanwhile, return False; never before they have passed on the monotonic\n"
"clock. None: no limit. 0, negative or NaN: do not block.\n"
"As threading.Event.wait(). A pulse, set() directly followed by clear(),\n"
"releases every thread that is waiting.\n\n"
"Signal handlers run during the wait; what they raise ends it (so does Ctrl-C),\n"
"else it goes on for the rest of the time. A wait that has begun goes on when\n"
"another thread closes the event.\n\n"
"Raises TypeError if timeout is no number, OverflowError if it is too large\n"
"(more than threading.TIMEOUT_MAX), ValueError if the event is closed, OSError if\n"
"the kernel refuses.");

static PyObject *word_wait_for(Word *self, PyObject *timeout) {
    const uint64_t first = systemevent__load(&self->event);
    if (systemevent__value(first) != 0) return PyBool_FromLong(1);
    struct timespec deadline;
    if (timeout != Py_None) {
        long long remaining = nanoseconds(timeout);
        if (remaining < 0) return NULL;
        if (remaining == 0) return PyBool_FromLong(0);
        deadline = deadline_after(remaining);
    }
    PyThreadState *saved = NULL;
    int result = systemevent__wait_since(&self->event, first, timeout == Py_None ? NULL : &deadline,
                                         run_signal_handlers, &saved);
    int error = errno;
    if (saved) PyEval_RestoreThread(saved);
    if (result >= 0) return PyBool_FromLong(result);
    if (PyErr_Occurred()) return NULL;
    errno = error;
    return os_error(self, "cannot wait for the event");
}

static PyObject *word_wait(PyObject *object, PyObject *const *args, Py_ssize_t count,
                           PyObject *names) {
    Word *self = (Word *)object;
    Py_ssize_t named = names ? PyTuple_Size(names) : 0;
    if (count + named > 1) {
        PyErr_Format(PyExc_TypeError, "wait() takes at most 1 argument (%zd given)", count + named);
        return NULL;
    }
    if (named) {
        PyObject *name = PyTuple_GetItem(names, 0);
        if (PyUnicode_CompareWithASCIIString(name, "timeout") != 0) {
            PyErr_Format(PyExc_TypeError, "wait() got an unexpected keyword argument %R", name);
            return NULL;
        }
    }
    PyObject *timeout = count + named ? args[0] : Py_None;
    if (!enter(self)) return elsewhere(object, "wait", timeout);
    PyObject *result = word_wait_for(self, timeout);
    leave(self);
    return result;
}

#include "_word_multi.h"

/* ---- life ------------------------------------------------------------------------------------ */

PyDoc_STRVAR(close_doc,
"close($self, /)\n--\n\n"
"Let go of the event: its memory mapping is given back, further use raises\n"
"ValueError. The event itself lives on, for everybody else. A thread that is\n"
"waiting keeps its hold until its wait() returns. Closing twice is allowed.");

static PyObject *word_close(PyObject *object, PyObject *unused) {
    (void)unused;
    Word *self = (Word *)object;
    if (is_remote(object)) return elsewhere(object, "close", NULL);
    unsigned calls = 0;
    while (!(calls & CLOSED)) {
        if (move(self, &calls, without(calls | CLOSED, 0))) {
            if (calls == 0) unmap(self);
            break;
        }
    }
    return none();
}

static PyObject *word_closed(PyObject *object, void *unused) {
    (void)unused;
    unsigned calls = 0;
    move((Word *)object, &calls, calls);
    return PyBool_FromLong((calls & CLOSED) != 0);
}

static PyObject *word_device(PyObject *object, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(((Word *)object)->device);
}

static PyObject *word_inode(PyObject *object, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(((Word *)object)->inode);
}

static PyObject *word_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)args, (void)kwargs;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Word *self = (Word *)allocate(type, 0);
    if (self) self->calls = CLOSED;
    return (PyObject *)self;
}

/* Word(fd): map the object file; fd is closed in any case. */
static int word_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    (void)kwargs;
    Word *self = (Word *)object;
    int fd;
    if (!PyArg_ParseTuple(args, "i", &fd)) return -1;
    unsigned calls = CLOSED;
    if (!move(self, &calls, CLOSED | BUSY)) {
        close(fd);
        PyErr_Format(PyExc_RuntimeError, "this event is open already: %R", object);
        return -1;
    }
    struct stat status;
    int failed = systemevent_attach(&self->event, fd) || fstat(fd, &status), error = errno;
    close(fd);
    if (failed) {
        systemevent_close(&self->event);
    } else {
        self->device = status.st_dev;
        self->inode = status.st_ino;
    }
    calls = CLOSED | BUSY;
    move(self, &calls, failed ? CLOSED : 0);
    errno = error;
    if (failed) PyErr_SetFromErrno(PyExc_OSError);
    return failed ? -1 : 0;
}

static void word_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    /* No call is inside: it would hold a reference. In a forked child, calls may still count a
     * thread that exists in the parent only. */
    systemevent_close(&((Word *)object)->event);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyMethodDef word_methods[] = {
    {"set", word_set, METH_NOARGS, set_doc},
    {"clear", word_clear, METH_NOARGS, clear_doc},
    {"is_set", word_is_set, METH_NOARGS, is_set_doc},
    {"isSet", word_is_set, METH_NOARGS, "isSet($self, /)\n--\n\nThe older spelling of is_set()."},
    {"wait", (PyCFunction)(void (*)(void))word_wait, METH_FASTCALL | METH_KEYWORDS, wait_doc},
    {"close", word_close, METH_NOARGS, close_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef word_attributes[] = {
    {"closed", word_closed, NULL, "True after close().", NULL},
    {"device", word_device, NULL, "The device number of the object file's file system.", NULL},
    {"inode", word_inode, NULL, "The inode number of the object file.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot word_slots[] = {
    {Py_tp_doc, (void *)"Word(fd): the shared word in the object file that is open as fd."},
    {Py_tp_new, (void *)word_new},
    {Py_tp_init, (void *)word_init},
    {Py_tp_dealloc, (void *)word_dealloc},
    {Py_tp_methods, word_methods},
    {Py_tp_getset, word_attributes},
    {0, NULL},
};

static PyType_Spec word_spec = {
    "systemevent._word.Word", sizeof(Word), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, word_slots,
};

/* ---- the module ------------------------------------------------------------------------------ */

static PyObject *sleep_on_value_only(PyObject *module, PyObject *only) {
    (void)module;
    int is_true = PyObject_IsTrue(only);
    if (is_true < 0) return NULL;
    systemevent_sleep_on_value_only(is_true);
    return none();
}

static PyObject *sleeps_on_both_halves(PyObject *module, PyObject *unused) {
    (void)module, (void)unused;
    return PyBool_FromLong(systemevent_sleeps_on_both_halves());
}

PyDoc_STRVAR(own_methods_doc,
"own_methods(cls, /)\n--\n\n"
"Give a subclass of Word the methods of Word as its own; return it.\n\n"
"The interpreter calls a C method fast only on exactly the type that it was made\n"
"for; inherited, is_set() costs three times as much.");

static PyObject *own_methods(PyObject *module, PyObject *type) {
    PyTypeObject *base = (PyTypeObject *)state_of(module)->word_type;
    if (!PyType_Check(type) || !PyType_IsSubtype((PyTypeObject *)type, base)) {
        PyErr_SetString(PyExc_TypeError, "own_methods() needs a subclass of Word");
        return NULL;
    }
    for (PyMethodDef *method = word_methods; method->ml_name; method++) {
        PyObject *descriptor = PyDescr_NewMethod((PyTypeObject *)type, method);
        if (!descriptor) return NULL;
        int failed = PyObject_SetAttrString(type, method->ml_name, descriptor);
        Py_DECREF(descriptor);
        if (failed) return NULL;
    }
    return Py_NewRef(type);
}

static PyMethodDef functions[] = {
    {"deadline_of", deadline_of_timeout, METH_O, deadline_of_doc},
    {"own_methods", own_methods, METH_O, own_methods_doc},
    {"sleep_on_value_only", sleep_on_value_only, METH_O,
     "sleep_on_value_only(only, /)\n--\n\n"
     "Sleep as on a kernel before 5.16 from now on, in this process; False: as the kernel can."},
    {"sleeps_on_both_halves", sleeps_on_both_halves, METH_NOARGS,
     "sleeps_on_both_halves()\n--\n\nDoes this process sleep with futex_waitv (Linux 5.16 or newer)?"},
    {"wait_all", wait_all, METH_VARARGS, wait_all_doc},
    {"wait_any", wait_any, METH_VARARGS, wait_any_doc},
    {"wait_since", wait_since, METH_VARARGS, wait_since_doc},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module) {
    State *state = state_of(module);
    return add_type(module, &word_spec, "Word", &state->word_type) ||
                   add_type(module, &watch_spec, "Watch", &state->watch_type) ||
                   add_type(module, &control_spec, "Control", &state->control_type) ||
                   PyModule_AddIntConstant(module, "ANY_MAX", SYSTEMEVENT_ANY_MAX)
               ? -1
               : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
#ifdef Py_GIL_DISABLED
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_word", NULL, sizeof(State), functions, slots, state_traverse,
    state_clear, NULL,
};

PyMODINIT_FUNC PyInit__word(void) { return PyModuleDef_Init(&definition); }
