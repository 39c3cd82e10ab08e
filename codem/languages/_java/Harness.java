package codem;

import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Says what happened. The mark is in nobody's field: the caller holds it in a local variable.
 *
 * No lambda and no `+` on strings: the first of either costs a fresh JVM 20 ms.
 */
public final class Harness {
    private Harness() {}

    public static void end(byte[] mark, FileOutputStream out, Throwable error, Class<?> tests) {
        int code = 1;
        try {
            if (error == null) {
                say(mark, out, " end\n");
                code = 0;
            } else if (thrownBy(tests, error)) {
                say(mark, out, " wrong\n");
            } else {
                error.printStackTrace();
            }
        } catch (Throwable another) {
            code = 1;
        }
        Runtime.getRuntime().halt(code);
    }

    private static void say(byte[] mark, FileOutputStream out, String status) throws Exception {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        line.write('\n');
        line.write(mark);
        line.write(status.getBytes(StandardCharsets.US_ASCII));
        out.write(line.toByteArray());
    }

    /** A failed check, and not an AssertionError of the answer's own. */
    private static boolean thrownBy(Class<?> tests, Throwable error) {
        if (error.getClass() != AssertionError.class) {
            return false;
        }
        StackTraceElement[] trace = error.getStackTrace();
        return trace.length > 0 && trace[0].getClassName().equals(tests.getName());
    }
}
