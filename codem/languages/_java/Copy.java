package codem;

import java.util.*;

/**
 * What the answer returned, as plain values: the tests must not ask an object of the answer's own whether it is equal.
 *
 * Collections are copied by what they hold, also those of a class of the answer's own (`new ArrayList<>() {{ ... }}`);
 * any other object of such a class becomes one that is equal to nothing. Texts and boxed numbers are what they were.
 */
public final class Copy {
    private Copy() {}

    public static boolean of(boolean value) { return value; }
    public static byte of(byte value) { return value; }
    public static char of(char value) { return value; }
    public static short of(short value) { return value; }
    public static int of(int value) { return value; }
    public static long of(long value) { return value; }
    public static float of(float value) { return value; }
    public static double of(double value) { return value; }

    @SuppressWarnings("unchecked")
    public static <T> T of(T value) { return (T) plain(value); }

    private static Object plain(Object value) {
        if (value == null || value instanceof String) {
            return value;
        }
        Class<?> type = value.getClass();
        boolean system = type.getClassLoader() == null;
        if (type.isArray()) {
            return array(value, type);
        }
        if (value instanceof List) {
            return list((List<?>) value);
        }
        if (value instanceof Map) {
            return map((Map<?, ?>) value, type);
        }
        if (value instanceof Set) {
            return set((Set<?>) value);
        }
        if (value instanceof Collection) {
            return bag((Collection<?>) value);
        }
        if (value instanceof Optional) {
            return Optional.ofNullable(plain(((Optional<?>) value).orElse(null)));
        }
        if (value instanceof Map.Entry) {
            Map.Entry<?, ?> entry = (Map.Entry<?, ?>) value;
            return new AbstractMap.SimpleEntry<>(plain(entry.getKey()), plain(entry.getValue()));
        }
        return system ? value : new Object();
    }

    private static Object array(Object value, Class<?> type) {
        int length = java.lang.reflect.Array.getLength(value);
        if (type.getComponentType().isPrimitive()) {
            Object copy = java.lang.reflect.Array.newInstance(type.getComponentType(), length);
            System.arraycopy(value, 0, copy, 0, length);
            return copy;
        }
        Class<?> element = type;
        while (element.isArray()) {
            element = element.getComponentType();
        }
        boolean system = element.getClassLoader() == null;
        Object[] copy = (Object[]) java.lang.reflect.Array.newInstance(system ? type.getComponentType() : Object.class, length);
        for (int i = 0; i < length; i++) {
            copy[i] = plain(((Object[]) value)[i]);
        }
        return copy;
    }

    private static Object list(List<?> value) {
        List<Object> copy;
        if (value instanceof LinkedList) {
            copy = new LinkedList<>();
        } else if (value instanceof Stack) {
            copy = new Stack<>();
        } else if (value instanceof Vector) {
            copy = new Vector<>();
        } else {
            copy = new ArrayList<>();
        }
        return filled(copy, value);
    }

    private static Object set(Set<?> value) {
        if (value instanceof SortedSet && known(((SortedSet<?>) value).comparator())) {
            return filled(new TreeSet<>(order(((SortedSet<?>) value).comparator())), value);
        }
        return filled(new LinkedHashSet<>(), value);
    }

    /** Neither list nor set: such a collection equals itself alone, and so does its copy. */
    private static Object bag(Collection<?> value) {
        if (value instanceof PriorityQueue && known(((PriorityQueue<?>) value).comparator())) {
            return filled(new PriorityQueue<>(order(((PriorityQueue<?>) value).comparator())), value);
        }
        if (value instanceof Queue) {
            return filled(new ArrayDeque<>(), value);
        }
        return Collections.unmodifiableCollection(filled(new ArrayList<>(), value));
    }

    private static Object map(Map<?, ?> value, Class<?> type) {
        Map<Object, Object> copy;
        if (value instanceof SortedMap && known(((SortedMap<?, ?>) value).comparator())) {
            copy = new TreeMap<>(order(((SortedMap<?, ?>) value).comparator()));
        } else if (type == IdentityHashMap.class) {
            copy = new IdentityHashMap<>();
        } else if (type == Hashtable.class) {
            copy = new Hashtable<>();
        } else {
            copy = new LinkedHashMap<>();
        }
        for (Map.Entry<?, ?> entry : value.entrySet()) {
            copy.put(plain(entry.getKey()), plain(entry.getValue()));
        }
        return copy;
    }

    /** An order of the answer's own could call everything equal; the copy then keeps the sequence alone. */
    private static boolean known(Comparator<?> order) {
        return order == null || order == Comparator.naturalOrder() || order == Collections.reverseOrder()
            || order == String.CASE_INSENSITIVE_ORDER;
    }

    @SuppressWarnings("unchecked")
    private static Comparator<Object> order(Comparator<?> known) {
        return (Comparator<Object>) known;
    }

    private static <C extends Collection<Object>> C filled(C copy, Collection<?> value) {
        for (Object element : value) {
            copy.add(plain(element));
        }
        return copy;
    }
}
