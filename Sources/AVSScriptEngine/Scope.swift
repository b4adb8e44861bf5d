import AVSScriptFrames
import CJavaScriptCore
import CSandbox

/// Calls into one context. What throws in there is thrown here, as text.
@safe struct Scope {
    private let context: JSContextRef

    init(context: JSContextRef) { unsafe self.context = context }

    func evaluate(_ script: CJavaScriptCore_ScriptRef) throws(ScriptFrameError) -> JSValueRef {
        var exception: JSValueRef?
        let value = unsafe JSScriptEvaluate(context, script, nil, &exception)
        return try unsafe check(value, exception)
    }

    func call(_ function: JSValueRef, _ arguments: [JSValueRef?]) throws(ScriptFrameError) -> JSValueRef {
        var exception: JSValueRef?
        let value = unsafe arguments.withUnsafeBufferPointer { arguments in
            unsafe JSObjectCallAsFunction(
                context, JSValueToObject(context, function, nil), nil, arguments.count, arguments.baseAddress,
                &exception)
        }
        return try unsafe check(value, exception)
    }

    func member(_ name: JSStringRef, of object: JSValueRef) throws(ScriptFrameError) -> JSValueRef {
        var exception: JSValueRef?
        let value = unsafe JSObjectGetProperty(context, JSValueToObject(context, object, nil), name, &exception)
        return try unsafe check(value, exception)
    }

    private func check(_ value: JSValueRef?, _ exception: JSValueRef?) throws(ScriptFrameError) -> JSValueRef {
        if let value = unsafe value, unsafe exception == nil { return unsafe value }
        throw ScriptFrameError("Error: \(unsafe text(of: exception))")
    }

    /// What a function of ours throws into JavaScript.
    func describe(_ error: ScriptFrameError, to exception: UnsafeMutablePointer<JSValueRef?>?) {
        do throws(ScriptFrameError) {
            unsafe exception?.pointee = try unsafe string(error.description)
        } catch {}  // it then returns undefined
    }

    // MARK: Strings

    func string(_ text: JSStringRef) throws(ScriptFrameError) -> JSValueRef {
        guard let value = unsafe JSValueMakeString(context, text) else {
            throw ScriptFrameError("no room for a string")
        }
        return unsafe value
    }

    func string(_ text: String) throws(ScriptFrameError) -> JSValueRef {
        let scalars = Array(text.utf16)
        guard let made = unsafe JSStringCreateWithCharacters(scalars, scalars.count) else {
            throw ScriptFrameError("no room for a string")
        }
        defer { unsafe JSStringRelease(made) }
        return try unsafe string(made)
    }

    /// The value as UTF-8 text.
    func bytes(of value: JSValueRef) throws(ScriptFrameError) -> [UInt8] {
        var exception: JSValueRef?
        guard let copy = unsafe JSValueToStringCopy(context, value, &exception), unsafe exception == nil else {
            throw ScriptFrameError("a value has no text")
        }
        defer { unsafe JSStringRelease(copy) }
        let room = unsafe JSStringGetMaximumUTF8CStringSize(copy)
        return unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            // The last byte written is a zero that ends it.
            let written = unsafe buffer.withMemoryRebound(to: CChar.self) {
                unsafe JSStringGetUTF8CString(copy, $0.baseAddress, room)
            }
            count = max(written, 1) - 1
        }
    }

    private func text(of exception: JSValueRef?) -> String {
        guard let exception = unsafe exception else { return "no value" }
        do throws(ScriptFrameError) {
            return String(decoding: try unsafe bytes(of: exception).prefix(4_096), as: UTF8.self)
        } catch {
            return "\(error)"
        }
    }

    // MARK: Arrays

    /// - Parameter array: a typed array of at most 64 KiB; the driver has checked both.
    func fillWithRandomBytes(_ array: JSValueRef) throws(ScriptFrameError) {
        guard unsafe JSValueGetTypedArrayType(context, array, nil) != kJSTypedArrayTypeNone,
            let object = unsafe JSValueToObject(context, array, nil)
        else { throw ScriptFrameError("random bytes go into typed arrays only") }
        let count = unsafe JSObjectGetTypedArrayByteLength(context, object, nil)
        guard count > 0 else { return }
        guard let start = unsafe JSObjectGetTypedArrayBytesPtr(context, object, nil) else {
            throw ScriptFrameError("an array has no bytes")
        }
        // The pointer is that of the whole buffer; a view may begin further on.
        let offset = unsafe JSObjectGetTypedArrayByteOffset(context, object, nil)
        guard unsafe CSandbox_random(start + offset, count) == 0 else { throw ScriptFrameError("no random bytes") }
    }
}
