// boost::any as the benchmarks use it: a value of any type, its typeid, and any_cast. An implementation of our own.
#ifndef CODEM_BOOST_ANY_HPP
#define CODEM_BOOST_ANY_HPP

#include <exception>
#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace boost {

class bad_any_cast : public std::bad_cast {
public:
    const char *what() const noexcept override { return "boost::bad_any_cast: failed conversion using boost::any_cast"; }
};

class any {
    struct holder_base {
        virtual ~holder_base() {}
        virtual const std::type_info &type() const noexcept = 0;
        virtual holder_base *clone() const = 0;
    };
    template <class T> struct holder : holder_base {
        T held;
        template <class U> explicit holder(U &&value) : held(std::forward<U>(value)) {}
        const std::type_info &type() const noexcept override { return typeid(T); }
        holder_base *clone() const override { return new holder(held); }
    };
    holder_base *content;
    template <class T> friend T *any_cast(any *) noexcept;

public:
    any() noexcept : content(nullptr) {}
    any(const any &other) : content(other.content ? other.content->clone() : nullptr) {}
    any(any &&other) noexcept : content(other.content) { other.content = nullptr; }
    template <class T> any(const T &value) : content(new holder<typename std::decay<const T>::type>(value)) {}
    template <class T>
    any(T &&value, typename std::enable_if<!std::is_same<any &, T>::value && !std::is_const<T>::value>::type * = nullptr)
        : content(new holder<typename std::decay<T>::type>(std::forward<T>(value))) {}
    ~any() noexcept { delete content; }

    any &swap(any &other) noexcept {
        std::swap(content, other.content);
        return *this;
    }
    any &operator=(const any &other) {
        any(other).swap(*this);
        return *this;
    }
    any &operator=(any &&other) noexcept {
        other.swap(*this);
        any().swap(other);
        return *this;
    }
    template <class T> any &operator=(T &&value) {
        any(std::forward<T>(value)).swap(*this);
        return *this;
    }
    bool empty() const noexcept { return !content; }
    void clear() noexcept { any().swap(*this); }
    const std::type_info &type() const noexcept { return content ? content->type() : typeid(void); }
};

inline void swap(any &left, any &right) noexcept { left.swap(right); }

template <class T> T *any_cast(any *operand) noexcept {
    typedef typename std::remove_cv<T>::type plain;
    if (!operand || operand->type() != typeid(T)) return nullptr;
    return std::addressof(static_cast<any::holder<plain> *>(operand->content)->held);
}
template <class T> const T *any_cast(const any *operand) noexcept {
    return any_cast<T>(const_cast<any *>(operand));
}
template <class T> T any_cast(any &operand) {
    typedef typename std::remove_reference<T>::type plain;
    plain *found = any_cast<plain>(std::addressof(operand));
#ifdef __EXCEPTIONS
    if (!found) throw bad_any_cast();
#else
    if (!found) std::terminate();
#endif
    return static_cast<T>(*found);
}
template <class T> T any_cast(const any &operand) {
    typedef typename std::remove_reference<T>::type plain;
    return any_cast<const plain &>(const_cast<any &>(operand));
}
template <class T> T any_cast(any &&operand) { return any_cast<T>(operand); }

} // namespace boost

#endif
