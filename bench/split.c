/* A futex behind a Python extension, as _word.c has its event, which notes the time at each step:
 * where does a wake-up spend it? Built and used by split.py.
 *
 * At the address that both functions take: the futex, and from byte 8 on the instants, 64 bits each,
 * at which set() is about to store and wake, wait() is back from the kernel, and it has the
 * interpreter's lock again.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030A0000
#include <Python.h>

#include "floor.c"

enum { IN_SET = 1, FROM_KERNEL, WITH_LOCK };

static PyObject *stamped_set(PyObject *module, PyObject *address) {
    uint64_t *at = PyLong_AsVoidPtr(address);
    (void)module;
    if (PyErr_Occurred()) return NULL;
    at[IN_SET] = raw_set((uint32_t *)at);
    Py_RETURN_NONE;
}

static PyObject *stamped_wait(PyObject *module, PyObject *address) {
    uint64_t *at = PyLong_AsVoidPtr(address), woken;
    (void)module;
    if (PyErr_Occurred()) return NULL;
    Py_BEGIN_ALLOW_THREADS
    woken = raw_wait((uint32_t *)at);
    Py_END_ALLOW_THREADS
    at[WITH_LOCK] = now();
    at[FROM_KERNEL] = woken;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {{"set", stamped_set, METH_O, NULL},
                                  {"wait", stamped_wait, METH_O, NULL},
                                  {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "split", NULL, -1, functions,
                                    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_split(void) { return PyModule_Create(&module); }
