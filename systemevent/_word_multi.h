/* The part of _word.c around systemevent_multi.h: waiting for several events; and what asyncio and
 * waits for more than 63 events are made of: Watch, Control, wait_since. */

typedef struct {
    PyObject *word_type, *watch_type, *control_type;
} State;

static State *state_of(PyObject *module) { return (State *)PyModule_GetState(module); }

static bool is_a(PyObject *object, PyObject *type, const char *what) {
    if (PyObject_TypeCheck(object, (PyTypeObject *)type)) return true;
    PyErr_Format(PyExc_TypeError, "%s, not %R", what, object);
    return false;
}

/* OSError with that errno; NULL. */
static PyObject *several_error(int error) {
    const char *message = error == ENOSYS ? "waiting for any of several events needs futex_waitv "
                                            "(Linux 5.16 or newer, and no sandbox that forbids it)"
                                          : strerror(error);
    PyObject *exception = PyObject_CallFunction(PyExc_OSError, "is", error, message);
    if (!exception) return NULL;
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
    return NULL;
}

/* ---- wait_any, wait_all ---------------------------------------------------------------------- */

static void leave_all(systemevent_entry_t *entries, PyObject *words, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) leave((Word *)PyTuple_GetItem(words, i));
    PyMem_Free(entries);
}

/* The entries of a tuple of events, which are kept open; NULL with an exception. */
static systemevent_entry_t *enter_all(PyObject *module, PyObject *words) {
    Py_ssize_t count = PyTuple_Size(words);
    if (count == 0) {
        PyErr_SetString(PyExc_ValueError, "there must be at least one event to wait for");
        return NULL;
    }
    systemevent_entry_t *entries = PyMem_Calloc((size_t)count, sizeof *entries);
    if (!entries) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *word = PyTuple_GetItem(words, i);
        if (!is_a(word, state_of(module)->word_type, "events must be SystemEvent objects") ||
            !enter((Word *)word)) {
            leave_all(entries, words, i);
            return NULL;
        }
        entries[i].event = &((Word *)word)->event;
    }
    return entries;
}

/* The deadline of a timeout: 1, or 0 if it is not to block, or -1 with an exception. */
static int deadline_of(PyObject *timeout, struct timespec *deadline) {
    if (timeout == Py_None) return 1;
    long long remaining = nanoseconds(timeout);
    if (remaining > 0) *deadline = deadline_after(remaining);
    return remaining < 0 ? -1 : remaining > 0;
}

PyDoc_STRVAR(wait_any_doc,
"wait_any(events, timeout, /)\n--\n\n"
"systemevent.wait_any() for a tuple of 1 to 63 events.");

static PyObject *wait_any(PyObject *module, PyObject *args) {
    PyObject *words, *timeout;
    if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &words, &timeout)) return NULL;
    Py_ssize_t count = PyTuple_Size(words);
    if (count > SYSTEMEVENT_ANY_MAX)
        return PyErr_Format(PyExc_ValueError, "too many events for one sleep: %zd", count);
    systemevent_entry_t *entries = enter_all(module, words);
    if (!entries) return NULL;
    PyObject *result = NULL;
    PyThreadState *saved = NULL;
    struct timespec deadline;
    int outcome = -1, may_block;
    if (count > 1 && !systemevent__sleeps_on_several()) {
        several_error(ENOSYS);
    } else if (systemevent__begin_any(entries, (unsigned)count)) {
        outcome = 1;
    } else if ((may_block = deadline_of(timeout, &deadline)) <= 0) {
        outcome = may_block;
    } else {
        outcome = systemevent__wait_any_since(entries, (unsigned)count, NULL,
                                              timeout == Py_None ? NULL : &deadline,
                                              run_signal_handlers, &saved);
        int error = errno;
        if (saved) PyEval_RestoreThread(saved);
        if (outcome < 0 && !PyErr_Occurred()) several_error(error);
    }
    if (outcome >= 0) result = PyList_New(0);
    for (Py_ssize_t i = 0; result && outcome == 1 && i < count; i++)
        if (entries[i].was_set && PyList_Append(result, PyTuple_GetItem(words, i)))
            Py_CLEAR(result);
    leave_all(entries, words, count);
    return result;
}

/* Keep the first entry of each event, through whatever object; return how many are left. */
static unsigned each_once(systemevent_entry_t *entries, PyObject *words, unsigned count) {
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        const Word *word = (Word *)PyTuple_GetItem(words, i);
        entries[kept].event = &word->event;
        entries[kept].readings[0] = word->inode;
        entries[kept].readings[1] = word->device;
        unsigned first = 0;
        while (entries[first].readings[0] != word->inode ||
               entries[first].readings[1] != word->device)
            first++;
        kept += first == kept;
    }
    return kept;
}

PyDoc_STRVAR(wait_all_doc,
"wait_all(events, timeout, /)\n--\n\n"
"systemevent.wait_all() for a tuple of events.");

static PyObject *wait_all(PyObject *module, PyObject *args) {
    PyObject *words, *timeout;
    if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &words, &timeout)) return NULL;
    Py_ssize_t count = PyTuple_Size(words);
    systemevent_entry_t *entries = enter_all(module, words);
    if (!entries) return NULL;
    PyThreadState *saved = NULL;
    struct timespec deadline;
    /* Two objects of one event are two words, which change at once: no order would be known. */
    unsigned different = each_once(entries, words, (unsigned)count);
    int outcome = systemevent__begin_all(entries, different), may_block;
    if (!outcome && (may_block = deadline_of(timeout, &deadline)) != 0) {
        outcome = may_block;
        if (may_block > 0)
            outcome = systemevent__wait_all_since(entries, different,
                                                  timeout == Py_None ? NULL : &deadline,
                                                  run_signal_handlers, &saved);
        int error = errno;
        if (saved) PyEval_RestoreThread(saved);
        if (outcome < 0 && !PyErr_Occurred()) several_error(error);
    }
    leave_all(entries, words, count);
    return outcome < 0 ? NULL : PyBool_FromLong(outcome);
}

/* ---- Watch: what has happened to an event since? --------------------------------------------- */

typedef struct {
    PyObject_HEAD
    Word *word; /* in use from the beginning of the watch to its end */
    uint64_t first;
} Watch;

static PyObject *watch_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *word;
    if (kwargs && PyDict_Size(kwargs)) {
        PyErr_SetString(PyExc_TypeError, "Watch() takes no keyword arguments");
        return NULL;
    }
    PyObject *module = PyType_GetModule(type);
    if (!module || !PyArg_ParseTuple(args, "O", &word) ||
        !is_a(word, state_of(module)->word_type, "events must be SystemEvent objects") ||
        !enter((Word *)word))
        return NULL;
    Watch *self = (Watch *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!self) {
        leave((Word *)word);
        return NULL;
    }
    self->word = (Word *)Py_NewRef(word);
    self->first = systemevent__load(&self->word->event);
    return (PyObject *)self;
}

static void watch_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    Watch *self = (Watch *)object;
    if (self->word) leave(self->word);
    Py_XDECREF((PyObject *)self->word);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyObject *watch_happened(PyObject *object, PyObject *unused) {
    (void)unused;
    Watch *self = (Watch *)object;
    return PyBool_FromLong(
        systemevent__happened(self->first, systemevent__load(&self->word->event)));
}

static PyObject *watch_again(PyObject *object, PyObject *unused) {
    (void)unused;
    Word *word = ((Watch *)object)->word;
    PyTypeObject *type = Py_TYPE(object);
    Watch *again = (Watch *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!again) return NULL;
    /* In use by this watch, so it may be closed by now, but is mapped. */
    unsigned calls = 1;
    while (!move(word, &calls, calls + 1)) {
    }
    again->word = (Word *)Py_NewRef((PyObject *)word);
    again->first = systemevent__load(&word->event);
    return (PyObject *)again;
}

static PyMethodDef watch_methods[] = {
    {"again", watch_again, METH_NOARGS,
     "again($self, /)\n--\n\nA new watch of the same event, also if that has been closed."},
    {"happened", watch_happened, METH_NOARGS,
     "happened($self, /)\n--\n\nHas the event been set at any instant since this watch began?"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot watch_slots[] = {
    {Py_tp_doc, (void *)"Watch(event): what happens to the event from now on. Until it is deleted, "
                        "close() does not end it."},
    {Py_tp_new, (void *)watch_new},
    {Py_tp_dealloc, (void *)watch_dealloc},
    {Py_tp_methods, watch_methods},
    {0, NULL},
};

static PyType_Spec watch_spec = {
    "systemevent._word.Watch", sizeof(Watch), 0, Py_TPFLAGS_DEFAULT, watch_slots,
};

/* ---- Control: what ends a sleep of another thread -------------------------------------------- */

typedef struct {
    PyObject_HEAD
    uint32_t word; /* a futex of this process; a forked child has its own copy */
} Control;

static PyObject *control_change(PyObject *object, PyObject *unused) {
    (void)unused;
    uint32_t *word = &((Control *)object)->word;
    __atomic_add_fetch(word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
    return none();
}

static PyObject *control_value(PyObject *object, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLong(__atomic_load_n(&((Control *)object)->word, __ATOMIC_ACQUIRE));
}

static void control_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static PyMethodDef control_methods[] = {
    {"change", control_change, METH_NOARGS,
     "change($self, /)\n--\n\nChange the value, and end the sleeps that depend on it."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef control_attributes[] = {
    {"value", control_value, NULL, "How often it has changed, modulo 2**32.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot control_slots[] = {
    {Py_tp_doc, (void *)"Control(): a word of this process that ends sleeps when it changes."},
    {Py_tp_dealloc, (void *)control_dealloc},
    {Py_tp_methods, control_methods},
    {Py_tp_getset, control_attributes},
    {0, NULL},
};

static PyType_Spec control_spec = {
    "systemevent._word.Control", sizeof(Control), 0, Py_TPFLAGS_DEFAULT, control_slots,
};

PyDoc_STRVAR(wait_since_doc,
"wait_since(watches, timeout, control, seen, /)\n--\n\n"
"Wait until an event of at most 63 watches has been set since its watch began, or\n"
"control.value is not `seen`, or the timeout (as for SystemEvent.wait()) has passed.\n\n"
"Returns the indices of the watches whose events have been set, in their order; []\n"
"if there are none yet.");

static PyObject *wait_since(PyObject *module, PyObject *args) {
    PyObject *watches, *timeout, *control_word;
    unsigned seen;
    State *state = state_of(module);
    if (!PyArg_ParseTuple(args, "O!OOI", &PyTuple_Type, &watches, &timeout, &control_word, &seen) ||
        !is_a(control_word, state->control_type, "control must be a Control"))
        return NULL;
    Py_ssize_t count = PyTuple_Size(watches);
    if (count > SYSTEMEVENT_ANY_MAX)
        return PyErr_Format(PyExc_ValueError, "too many events for one sleep: %zd", count);
    if (!systemevent__sleeps_on_several()) return several_error(ENOSYS);
    systemevent_entry_t entries[SYSTEMEVENT_ANY_MAX];
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *watch = PyTuple_GetItem(watches, i);
        if (!is_a(watch, state->watch_type, "watches must be Watch objects")) return NULL;
        entries[i].event = &((Watch *)watch)->word->event;
        entries[i].readings[0] = ((Watch *)watch)->first;
        entries[i].was_set = false;
    }
    struct timespec deadline;
    int may_block = deadline_of(timeout, &deadline);
    if (may_block < 0) return NULL;
    if (may_block == 0) memset(&deadline, 0, sizeof deadline); /* long over */
    struct systemevent__control control = {&((Control *)control_word)->word, seen};
    PyThreadState *saved = NULL;
    int outcome = systemevent__wait_any_since(entries, (unsigned)count, &control,
                                              timeout == Py_None ? NULL : &deadline,
                                              run_signal_handlers, &saved);
    int error = errno;
    if (saved) PyEval_RestoreThread(saved);
    if (outcome < 0) return PyErr_Occurred() ? NULL : several_error(error);
    PyObject *result = PyList_New(0);
    for (Py_ssize_t i = 0; result && outcome == 1 && i < count; i++) {
        if (!entries[i].was_set) continue;
        PyObject *index = PyLong_FromSsize_t(i);
        if (!index || PyList_Append(result, index)) Py_CLEAR(result);
        Py_XDECREF(index);
    }
    return result;
}

PyDoc_STRVAR(deadline_of_doc,
"deadline_of(timeout, /)\n--\n\n"
"The instant, in nanoseconds of time.monotonic_ns(), at which a timeout that begins\n"
"now has passed; 0 if it is not to block, None if it never passes.");

static PyObject *deadline_of_timeout(PyObject *module, PyObject *timeout) {
    (void)module;
    if (timeout == Py_None) return none();
    long long remaining = nanoseconds(timeout);
    if (remaining < 0) return NULL;
    if (remaining == 0) return PyLong_FromLong(0);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long instant = (long long)now.tv_sec * SECOND + now.tv_nsec;
    return PyLong_FromUnsignedLongLong((unsigned long long)instant + (unsigned long long)remaining);
}

static int add_type(PyObject *module, PyType_Spec *spec, const char *name, PyObject **type) {
    *type = PyType_FromModuleAndSpec(module, spec, NULL);
    return *type ? PyModule_AddObjectRef(module, name, *type) : -1;
}

static int state_clear(PyObject *module) {
    State *state = state_of(module);
    Py_CLEAR(state->word_type);
    Py_CLEAR(state->watch_type);
    Py_CLEAR(state->control_type);
    return 0;
}

static int state_traverse(PyObject *module, visitproc visit, void *arg) {
    State *state = state_of(module);
    Py_VISIT(state->word_type);
    Py_VISIT(state->watch_type);
    Py_VISIT(state->control_type);
    return 0;
}
