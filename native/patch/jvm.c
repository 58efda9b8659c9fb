#include "jvm.h"

#include <stddef.h>
#include <stdint.h>

#include "../interposer/hook.h"
#include "../interposer/text.h"
#include "classfile.h"
#include "secret.h"

/* --- what jni.h and jvmti.h say, as far as it is needed ------------------------------------------------------------- */

typedef void *object, *class_reference;
typedef const void *const *const *interface; /* begins with a table of functions */

/* Their places in the tables of JNI (JNI specification, chapter 4), and of JVMTI. */
enum {
    JNI_GET_ENV = 6, /* of the virtual machine's own table */

    JNI_DEFINE_CLASS = 5,
    JNI_EXCEPTION_CLEAR = 17,
    JNI_PUSH_LOCAL_FRAME = 19,
    JNI_POP_LOCAL_FRAME = 20,
    JNI_GET_OBJECT_CLASS = 31,
    JNI_GET_METHOD_ID = 33,
    JNI_CALL_OBJECT_METHOD_A = 36,
    JNI_GET_FIELD_ID = 94,
    JNI_GET_OBJECT_FIELD = 95,
    JNI_GET_STRING_LENGTH = 164,
    JNI_GET_STRING_UTF_LENGTH = 168,
    JNI_GET_ARRAY_LENGTH = 171,
    JNI_GET_BYTE_ARRAY_REGION = 200,
    JNI_REGISTER_NATIVES = 215,
    JNI_GET_STRING_UTF_REGION = 221,

    JVMTI_SET_EVENT_NOTIFICATION_MODE = 1,
    JVMTI_ALLOCATE = 45,
    JVMTI_DEALLOCATE = 46,
    JVMTI_GET_CLASS_SIGNATURE = 47,
    JVMTI_GET_CLASS_LOADER = 56,
    JVMTI_SET_EVENT_CALLBACKS = 121,
    JVMTI_DISPOSE_ENVIRONMENT = 126,
    JVMTI_ADD_CAPABILITIES = 141,
    JVMTI_RETRANSFORM_CLASSES = 151,

    JVMTI_VERSION = 0x30010000, /* 1.0, which every later one is too */
    OFF = 0,
    ON = 1,
    CLASS_FILE_LOAD_HOOK = 54,
    CLASS_PREPARE = 56,
    FIRST_EVENT = 50,
};

#define METHOD(of, place, type) ((type)(uintptr_t)(*(of))[place])

struct native_method {
    const char *name, *type;
    void *function;
};

static const char TRAFFIC_KEYS[] = "Lsun/security/ssl/SSLTrafficKeyDerivation;";

/* --- a secret -------------------------------------------------------------------------------------------------------- */

static object field(interface env, object of, const char *name, const char *type)
{
    class_reference class = METHOD(env, JNI_GET_OBJECT_CLASS, class_reference(*)(interface, object))(env, of);
    void *id = METHOD(env, JNI_GET_FIELD_ID, void *(*)(interface, class_reference, const char *, const char *))(
        env, class, name, type);
    return id ? METHOD(env, JNI_GET_OBJECT_FIELD, object(*)(interface, object, void *))(env, of, id) : NULL;
}

static object answer(interface env, object of, const char *name, const char *type)
{
    class_reference class = METHOD(env, JNI_GET_OBJECT_CLASS, class_reference(*)(interface, object))(env, of);
    void *id = METHOD(env, JNI_GET_METHOD_ID, void *(*)(interface, class_reference, const char *, const char *))(
        env, class, name, type);
    if (!id)
        return NULL;
    return METHOD(env, JNI_CALL_OBJECT_METHOD_A, object(*)(interface, object, void *, const void *))(env, of, id, NULL);
}

/* How many bytes an array has; 0 where there is none, or they have no room. */
static size_t bytes_of(interface env, object array, unsigned char *into, size_t room)
{
    const int count = array ? METHOD(env, JNI_GET_ARRAY_LENGTH, int (*)(interface, object))(env, array) : 0;
    if (count <= 0 || (size_t)count > room)
        return 0;
    METHOD(env, JNI_GET_BYTE_ARRAY_REGION, void (*)(interface, object, int, int, unsigned char *))(
        env, array, 0, count, into);
    return (size_t)count;
}

/* JSSE names a key by what it is for. */
static const char *label_for(const char *algorithm)
{
    static const char *const names[][2] = {
        {"TlsMasterSecret", "CLIENT_RANDOM"},
        {"TlsClientEarlyTrafficSecret", "CLIENT_EARLY_TRAFFIC_SECRET"},
        {"TlsClientHandshakeTrafficSecret", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"},
        {"TlsServerHandshakeTrafficSecret", "SERVER_HANDSHAKE_TRAFFIC_SECRET"},
        {"TlsClientAppTrafficSecret", "CLIENT_TRAFFIC_SECRET_0"},
        {"TlsServerAppTrafficSecret", "SERVER_TRAFFIC_SECRET_0"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_equal(algorithm, names[i][0]))
            return names[i][1];
    return NULL;
}

static const char *label_of(interface env, object key)
{
    char algorithm[48];
    object name = answer(env, key, "getAlgorithm", "()Ljava/lang/String;");
    const int length = name ? METHOD(env, JNI_GET_STRING_UTF_LENGTH, int (*)(interface, object))(env, name) : 0;
    if (length <= 0 || (size_t)length >= sizeof algorithm)
        return NULL;
    const int characters = METHOD(env, JNI_GET_STRING_LENGTH, int (*)(interface, object))(env, name);
    bytes_clear(algorithm, sizeof algorithm);
    METHOD(env, JNI_GET_STRING_UTF_REGION, void (*)(interface, object, int, int, char *))(env, name, 0, characters,
                                                                                         algorithm);
    return label_for(algorithm);
}

static void tell(interface env, object context, object key)
{
    unsigned char random[RANDOM], secret[LONGEST_SECRET];
    const char *label = label_of(env, key);
    object cookie = label ? field(env, context, "clientHelloRandom", "Lsun/security/ssl/RandomCookie;") : NULL;
    object bytes = cookie ? field(env, cookie, "randomBytes", "[B") : NULL;
    if (bytes_of(env, bytes, random, sizeof random) != sizeof random)
        return;
    const size_t size = bytes_of(env, answer(env, key, "getEncoded", "()[B"), secret, sizeof secret);
    secret_tell(label, text_length(label), random, secret, size, "\"JSSE\"", "agent");
    bytes_clear(secret, sizeof secret);
}

/* The method that the call leads to. What it threw would be the program's to catch: so nothing is thrown. */
static void on_key(interface env, class_reference class, object context, object key)
{
    enum { REFERENCES = 16 };
    (void)class;
    if (!context || !key || !hooks_wanted())
        return;
    const int error = errno;
    if (METHOD(env, JNI_PUSH_LOCAL_FRAME, int (*)(interface, int))(env, REFERENCES) == 0) {
        tell(env, context, key);
        METHOD(env, JNI_EXCEPTION_CLEAR, void (*)(interface))(env);
        METHOD(env, JNI_POP_LOCAL_FRAME, object(*)(interface, object))(env, NULL);
    } else {
        METHOD(env, JNI_EXCEPTION_CLEAR, void (*)(interface))(env);
    }
    errno = error;
}

/* --- a place for the call --------------------------------------------------------------------------------------------- */

#define OURS "sun/security/ssl/Plainwire"
#define TWO_OBJECTS "(Ljava/lang/Object;Ljava/lang/Object;)V"

/* A class of one method, `static native void log(Object, Object)`. It stands in JSSE's own package, so that JSSE may call
 * it whatever its module reads. */
static const unsigned char our_class[] =
    "\xca\xfe\xba\xbe\0\0\0\x34" /* version 52, Java 8 */
    "\0\7"
    "\1\0\x1a" OURS "\7\0\1"
    "\1\0\x10" "java/lang/Object" "\7\0\3"
    "\1\0\3" "log"
    "\1\0\x27" TWO_OBJECTS
    "\x10\x30\0\2\0\4\0\0\0\0" /* synthetic, final, super; no interfaces, no fields */
    "\0\1\x11\x08\0\5\0\6\0\0" /* synthetic, native, static; no code */
    "\0"; /* and no attributes: the string's own end is the second byte of their number */

static bool define_ours(interface env)
{
    const struct native_method method = {"log", TWO_OBJECTS, (void *)on_key};
    class_reference class =
        METHOD(env, JNI_DEFINE_CLASS, class_reference(*)(interface, const char *, object, const unsigned char *, int))(
            env, OURS, NULL, our_class, sizeof our_class);
    const bool done = class && METHOD(env, JNI_REGISTER_NATIVES,
                                      int (*)(interface, class_reference, const struct native_method *, int))(
                                   env, class, &method, 1) == 0;
    if (!done)
        METHOD(env, JNI_EXCEPTION_CLEAR, void (*)(interface))(env);
    return done;
}

static void notify(interface tools, int mode, int event)
{
    METHOD(tools, JVMTI_SET_EVENT_NOTIFICATION_MODE, int (*)(interface, int, int, object, ...))(tools, mode, event, NULL);
}

/* Whether it is JSSE's class: of that name, and loaded by what loads the Java library itself. */
static bool is_meant(interface tools, class_reference class)
{
    char *signature = NULL;
    object loader = class;
    if (METHOD(tools, JVMTI_GET_CLASS_SIGNATURE, int (*)(interface, class_reference, char **, char **))(
            tools, class, &signature, NULL) != 0)
        return false;
    const bool named = text_equal(signature, TRAFFIC_KEYS);
    METHOD(tools, JVMTI_DEALLOCATE, int (*)(interface, char *))(tools, signature);
    return named &&
           METHOD(tools, JVMTI_GET_CLASS_LOADER, int (*)(interface, class_reference, object *))(tools, class, &loader) == 0 &&
           !loader;
}

static void on_class(interface tools, interface env, object thread, class_reference class)
{
    (void)thread;
    if (!is_meant(tools, class))
        return;
    notify(tools, OFF, CLASS_PREPARE);
    if (!hooks_wanted() || !define_ours(env))
        return;
    notify(tools, ON, CLASS_FILE_LOAD_HOOK);
    METHOD(tools, JVMTI_RETRANSFORM_CLASSES, int (*)(interface, int, const class_reference *))(tools, 1, &class);
    notify(tools, OFF, CLASS_FILE_LOAD_HOOK);
}

static void on_class_file(interface tools, interface env, class_reference redefined, object loader, const char *name,
                          object domain, int length, const unsigned char *bytes, int *new_length, unsigned char **made)
{
    static const struct insertion call = {
        .method = "createKeyDerivation",
        .descriptor = "(Lsun/security/ssl/HandshakeContext;Ljavax/crypto/SecretKey;)",
        .class = OURS,
        .name = "log",
        .type = TWO_OBJECTS,
    };
    unsigned char *room = NULL;
    (void)env, (void)loader, (void)domain;
    if (!redefined || !name || length <= 0 || !text_starts(TRAFFIC_KEYS + 1, name))
        return;
    if (METHOD(tools, JVMTI_ALLOCATE, int (*)(interface, long, unsigned char **))(tools, (long)length + CLASSFILE_GROWTH,
                                                                                &room) != 0)
        return;
    const size_t size = classfile_insert(bytes, (size_t)length, &call, room);
    if (!size) {
        METHOD(tools, JVMTI_DEALLOCATE, int (*)(interface, unsigned char *))(tools, room);
        return;
    }
    *made = room;
    *new_length = (int)size;
}

/* --- a virtual machine ------------------------------------------------------------------------------------------------ */

static void watch(interface machine)
{
    static const struct {
        void *functions[CLASS_PREPARE - FIRST_EVENT + 1];
    } callbacks = {{[CLASS_FILE_LOAD_HOOK - FIRST_EVENT] = (void *)on_class_file,
                    [CLASS_PREPARE - FIRST_EVENT] = (void *)on_class}};
    static const unsigned char capabilities[16] = {[4] = 0x20}; /* bit 37: can_retransform_classes */
    interface tools = NULL;
    if (METHOD(machine, JNI_GET_ENV, int (*)(interface, interface *, int))(machine, &tools, JVMTI_VERSION) != 0)
        return;
    if (METHOD(tools, JVMTI_ADD_CAPABILITIES, int (*)(interface, const void *))(tools, capabilities) != 0 ||
        METHOD(tools, JVMTI_SET_EVENT_CALLBACKS, int (*)(interface, const void *, int))(tools, &callbacks,
                                                                                      sizeof callbacks) != 0) {
        METHOD(tools, JVMTI_DISPOSE_ENVIRONMENT, int (*)(interface))(tools);
        return;
    }
    notify(tools, ON, CLASS_PREPARE);
}

typedef int (*creator)(interface *, void **, void *);

static _Atomic(creator) real_create;

static int create(interface *machine, void **env, void *arguments)
{
    const int status = atomic_load(&real_create)(machine, env, arguments);
    if (status == 0 && hooks_wanted())
        KEEPING_ERRNO(watch(*machine));
    return status;
}

void *jvm_for(const char *symbol, void *found)
{
    creator none = NULL;
    if (!found || !text_equal(symbol, "JNI_CreateJavaVM"))
        return NULL;
    if (!atomic_compare_exchange_strong(&real_create, &none, (creator)(uintptr_t)found) && none != (creator)(uintptr_t)found)
        return NULL; /* of another machine than the first */
    return (void *)create;
}
