import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * One warm compiler for many programs. Arguments: together|alone, seconds, the folder for classes, then one folder of
 * sources for each program. Each program has a package of its own, so many can be one compilation; those that the
 * compiler complains about are compiled again by themselves, and that is what counts for them.
 */
public final class Builder {
    private static final List<String> OPTIONS =
        List.of("-proc:none", "-nowarn", "-encoding", "UTF-8", "-XDstringConcat=inline");
    /** Deeply nested answers need stack; a fixed size keeps the limit the same for one program and for many. */
    private static final long STACK_BYTES = 16 << 20;

    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private final StandardJavaFileManager files =
        compiler.getStandardFileManager(null, Locale.ROOT, StandardCharsets.UTF_8);
    private final long limit;

    private Builder(long limit, Path own, Path classes) throws Exception {
        this.limit = limit;
        files.setLocation(StandardLocation.CLASS_PATH, List.of(own.toFile()));
        files.setLocation(StandardLocation.CLASS_OUTPUT, List.of(classes.toFile()));
    }

    public static void main(String[] args) throws Exception {
        Builder builder = new Builder(
            Long.parseLong(args[1]), Path.of(System.getProperty("java.class.path")), Path.of(args[2]));
        List<Path> programs = new ArrayList<>();
        for (String name : List.of(args).subList(3, args.length)) {
            programs.add(Path.of(name));
        }
        List<Path> single = programs;
        if (args[0].equals("together")) {
            single = builder.guarded(() -> builder.together(programs));
            if (single == null) {
                Runtime.getRuntime().halt(3);
            }
        }
        for (Path program : single) {
            StringWriter said = new StringWriter();
            String status = builder.guarded(() -> builder.compile(List.of(program), said, null));
            report(program, status == null ? "stopped" : status, said.toString());
            if (status == null) {
                Runtime.getRuntime().halt(3);
            }
        }
        Runtime.getRuntime().halt(0);
    }

    /** The programs that do not go with the others; of all others the classes are there and reported. */
    private List<Path> together(List<Path> programs) {
        List<Path> broken = new ArrayList<>();
        List<Path> left = new ArrayList<>(programs);
        while (!left.isEmpty()) {
            DiagnosticCollector<JavaFileObject> errors = new DiagnosticCollector<>();
            if (compile(left, null, errors).equals("ok")) {
                for (Path program : left) {
                    report(program, "ok", "");
                }
                return broken;
            }
            Set<Path> named = named(errors, left);
            if (named.isEmpty()) {
                // the compiler broke on one of them and does not say on which
                if (left.size() == 1) {
                    broken.addAll(left);
                    return broken;
                }
                int half = left.size() / 2;
                broken.addAll(together(left.subList(0, half)));
                broken.addAll(together(left.subList(half, left.size())));
                return broken;
            }
            broken.addAll(named);
            left.removeAll(named);
        }
        return broken;
    }

    private static Set<Path> named(DiagnosticCollector<JavaFileObject> errors, List<Path> programs) {
        Map<String, Path> folders = new HashMap<>();
        for (Path program : programs) {
            folders.put(program.getFileName().toString(), program);
        }
        Set<Path> named = new LinkedHashSet<>();
        for (Diagnostic<? extends JavaFileObject> error : errors.getDiagnostics()) {
            if (error.getKind() == Diagnostic.Kind.ERROR && error.getSource() != null) {
                Path program = folders.get(Path.of(error.getSource().toUri()).getParent().getFileName().toString());
                if (program != null) {
                    named.add(program);
                }
            }
        }
        return named;
    }

    private String compile(List<Path> programs, StringWriter said, DiagnosticCollector<JavaFileObject> errors) {
        List<Path> sources = new ArrayList<>();
        for (Path program : programs) {
            sources.add(program.resolve("Solution.java"));
            sources.add(program.resolve("Main.java"));
        }
        List<String> options = new ArrayList<>(OPTIONS);
        if (errors != null) {
            options.addAll(List.of("-Xmaxerrs", "100000"));
        }
        StringWriter out = said == null ? new StringWriter() : said;
        try {
            return compiler.getTask(out, files, errors, options, null, files.getJavaFileObjectsFromPaths(sources)).call()
                ? "ok" : "error";
        } catch (Throwable e) {
            out.write("the compiler failed: " + e);
            return "error";
        }
    }

    /** null: it took more processor time than it may. A busy machine makes nothing too slow. */
    private <T> T guarded(java.util.concurrent.Callable<T> work) throws Exception {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(null, task, "compiler", STACK_BYTES);
        thread.setDaemon(true);
        long before = cpuSeconds();
        thread.start();
        while (true) {
            try {
                return task.get(1, TimeUnit.SECONDS);
            } catch (TimeoutException e) {
                if (cpuSeconds() - before >= limit) {
                    return null;
                }
            }
        }
    }

    private static long cpuSeconds() {
        return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toSeconds();
    }

    private static void report(Path program, String status, String said) {
        System.out.println("\u0002" + program.getFileName() + " " + status + " "
            + said.replace("\\", "\\\\").replace("\n", "\\n"));
        System.out.flush();
    }
}
