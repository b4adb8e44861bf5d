#ifndef CJAVASCRIPTCORE_SHIM_H
#define CJAVASCRIPTCORE_SHIM_H

// JavaScriptCore: contexts, values, and the limit of execution time.
#include <JavaScriptCore/JavaScript.h>
#include <stdbool.h>

// Exported by the library, but in no public header.
typedef bool (*CJavaScriptCore_ShouldTerminate)(JSContextRef context, void *information);
JS_EXPORT void JSContextGroupSetExecutionTimeLimit(
    JSContextGroupRef group, double seconds, CJavaScriptCore_ShouldTerminate callback, void *information);
JS_EXPORT void JSContextGroupClearExecutionTimeLimit(JSContextGroupRef group);

// A parsed source, kept for many contexts of a group. Null and a message if it does not parse.
typedef struct CJavaScriptCore_OpaqueScript *CJavaScriptCore_ScriptRef;
JS_EXPORT CJavaScriptCore_ScriptRef JSScriptCreateFromString(
    JSContextGroupRef group, JSStringRef url, int firstLine, JSStringRef source, JSStringRef *message, int *line);
JS_EXPORT JSValueRef JSScriptEvaluate(
    JSContextRef context, CJavaScriptCore_ScriptRef script, JSValueRef self, JSValueRef *exception);
JS_EXPORT void JSScriptRelease(CJavaScriptCore_ScriptRef script);

// Exported by the library of some versions, and in no public header: null where it is missing.
extern void pas_scavenger_suspend(void) __attribute__((weak));

// Ends the thread that gives free memory back to the kernel. A process that runs one small script after another takes
// it again at once: without this, a sixth of its time goes into page faults.
static inline void CJavaScriptCore_keepFreeMemory(void) {
    if (pas_scavenger_suspend) pas_scavenger_suspend();
}

// A class of objects that can be called and carry a pointer. The empty definition is a global that Swift cannot copy.
static inline JSClassRef CJavaScriptCore_callableClass(JSObjectCallAsFunctionCallback call) {
    JSClassDefinition definition = kJSClassDefinitionEmpty;
    definition.className = "Host";
    definition.callAsFunction = call;
    return JSClassCreate(&definition);
}

#endif
