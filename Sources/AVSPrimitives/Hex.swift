/// Text of bytes in base 16.
public enum Hex {}
